// Confirms a login at a command line where its link leads to, as the user with the given address.
import assert from "node:assert/strict";
import { run } from "../program.mjs";
import { fitsEveryWidth, isReadable, withBrowser } from "./chromium.mjs";

await run("cli-login.mjs", async (input) =>
  withBrowser(input.executablePath, new URL(input.link).origin, async (context) => {
    const page = await context.newPage();
    await page.goto(input.link);
    const buttons = await page.getByRole("button").allInnerTexts();
    await isReadable(page, ["body", "header p", "button"]);
    await fitsEveryWidth(page);
    await page.getByRole("button", { name: `Log in as ${input.email}` }).click();
    await page.getByText("this page can be closed").waitFor();
    assert.equal(await page.getByRole("button").count(), 0);
    return { buttons };
  }),
);
