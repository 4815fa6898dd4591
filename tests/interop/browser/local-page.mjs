// The page of the local Hexclave, as somebody with a mouse uses it.
import assert from "node:assert/strict";
import { run } from "../program.mjs";
import { fitsEveryWidth, isReadable, withBrowser } from "./chromium.mjs";

const password = "correct horse";

await run("local-page.mjs", async (input) =>
  withBrowser(input.executablePath, new URL(input.baseUrl).origin, async (context) => {
    const page = await context.newPage();
    const text = () => page.locator("body").innerText();
    const row = (table, ...texts) =>
      texts.reduce((rows, hasText) => rows.filter({ hasText }), page.locator(`#${table} tbody tr`));
    const signIn = async () => {
      const answer = await fetch(`${input.baseUrl}/api/v1/auth/password/sign-in`, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          "x-hexclave-access-type": "client",
          "x-hexclave-project-id": input.projectId,
        },
        body: JSON.stringify({ email: "ada@example.com", password }),
      });
      return answer.status;
    };

    await page.goto(input.baseUrl);
    assert.match(await text(), /Nobody has signed up yet.*Everything works.*Nothing has been asked yet/s);

    // Somebody is added, who can sign in.
    const add = async (email, name, verified) => {
      await page.getByLabel("E-mail", { exact: true }).fill(email);
      await page.getByLabel("Name").fill(name);
      await page.getByLabel("Password").fill(password);
      await page.getByLabel("E-mail verified").setChecked(verified);
      await page.getByRole("button", { name: "Add a user" }).click();
      await row("users", email).waitFor();
    };
    await add("ada@example.com", "<img src=x onerror=alert(1)>", true);
    assert.match(await row("users", "ada@example.com").innerText(), /<img src=x.*normal/s);
    assert.equal(await signIn(), 200);
    await page.reload();
    assert.match(await row("users", "ada@example.com").innerText(), /[0-9a-f]{8}…/);
    assert.match(await row("requests", "POST /api/v1/auth/password/sign-in").innerText(), /200.*client ada@example.com/s);

    // Whose address is not verified is restricted until it is.
    const long = `${"eve.".repeat(16)}eve@subdomain.example.com`.slice(-80);
    await add(long, "", false);
    assert.match(await row("users", long).innerText(), /not verified.*restricted.*email_not_verified/s);
    await row("users", long).getByRole("button", { name: "Verify e-mail" }).click();
    await row("users", long, "normal").waitFor();

    // An access token of a user, which the test verifies.
    await row("users", "ada@example.com").getByRole("button", { name: "Access token" }).click();
    const token = await page.locator("#token").inputValue();
    await isReadable(page, ["textarea", "a", "header p"]);
    await fitsEveryWidth(page);
    await page.getByRole("link", { name: "Back" }).click();

    // A fault strikes from one click to another, at its endpoint alone.
    const fault = async (endpoint, what, times) => {
      await page.getByLabel("Endpoint").fill(endpoint);
      await page.getByLabel("What goes wrong").selectOption({ label: what });
      await page.getByLabel("Times").fill(times);
      await page.getByRole("button", { name: "Switch on" }).click();
      await page.locator("#faults").waitFor();
    };
    await fault("POST /auth/password/sign-in", "503: an error of a proxy", "");
    assert.match(await text(), /status 503 at POST \/auth\/password\/sign-in/);
    assert.deepEqual([await signIn(), await signIn()], [503, 503]);
    await page.getByRole("button", { name: "Switch all off" }).click();
    await page.getByText("Everything works.").waitFor();
    assert.equal(await signIn(), 200);
    await fault("", "A closed connection", "1");
    await assert.rejects(signIn());
    assert.equal(await signIn(), 200);
    await page.reload();
    assert.match(await text(), /Everything works/);
    await fault("GET /users/{id}", "429: too many requests", "");

    // Who is told, and what goes wrong with that.
    await row("webhooks", "user.created", /204\s+attempt\s1/).first().waitFor();
    await page.getByLabel("Lost").check();
    await page.getByRole("button", { name: "Set", exact: true }).click();
    await row("users", long).getByRole("button", { name: "Delete" }).click();
    await row("users", long).waitFor({ state: "detached" });
    await page.getByRole("link", { name: "refresh every 3 seconds" }).click();
    await row("webhooks", "user.deleted", "not sent: lost").waitFor();
    await page.getByRole("link", { name: "stop refreshing" }).click();
    assert.equal(await page.getByLabel("Lost").isChecked(), true);
    await page.getByLabel("Lost").uncheck();
    await page.getByRole("button", { name: "Set", exact: true }).click();
    await row("webhooks", "user.deleted").getByRole("button", { name: "Send again" }).click();
    await page.getByRole("link", { name: "refresh every 3 seconds" }).click();
    await row("webhooks", "user.deleted", /204\s+attempt\s2/).waitFor();

    // It goes on by itself as long as it is asked to.
    await row("requests", "GET /health").waitFor({ state: "detached" });
    await fetch(`${input.baseUrl}/health`);
    await row("requests", "GET /health").waitFor();
    await page.getByRole("link", { name: "stop refreshing" }).click();
    await page.getByRole("link", { name: "refresh every 3 seconds" }).waitFor();

    await isReadable(page, ["body", "header p", ".soft", ".good", ".warn", ".bad", "button", "a", "label", "input", "th"]);
    await fitsEveryWidth(page);
    return { token };
  }),
);
