// The page as people of each kind see it, in a browser, with nothing from outside this machine. The screenshots are in the
// folder `nextjs-supabase` of Cargo's target folder.

import assert from "node:assert/strict";
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";

import { chromium } from "playwright-core";

import { install } from "../rust.mjs";
import { launchOptions } from "./chromium.mjs";
import { buildApplication, startApplication, startServices } from "./processes.mjs";

const EVERYONE = "Everyone can see this";
const SIGNED_IN = "Only authenticated users can see this";
const OWNER = "Only user with specific id can see this";
const PASSWORD = "correct horse battery staple";
/** For machines with much else to do, in milliseconds. */
const PATIENCE = 120_000;

const launch = launchOptions();
const skip = !launch && "there is no Chromium (scripts/ensure-chromium installs it)";
const started = [];
let browser, settings, screenshots, url;

before(async () => {
  if (skip) {
    return;
  }
  const made = install();
  screenshots = join(dirname(made.services), "../nextjs-supabase");
  await mkdir(screenshots, { recursive: true });
  const services = await startServices(made.services);
  started.push(services.stop);
  settings = services.settings;
  await buildApplication(settings);
  const application = await startApplication(settings);
  started.push(application.stop);
  url = application.url;
  browser = await chromium.launch(launch);
  started.push(() => browser.close());
});

after(async () => {
  for (const stop of started.reverse()) {
    await stop();
  }
});

const visitors = [
  { who: "signed-out", kind: "signed out", rows: [EVERYONE] },
  { who: "ada", kind: "normal", email: "ada@example.com", rows: [EVERYONE, SIGNED_IN, OWNER] },
  { who: "grace", kind: "normal", email: "grace@example.com", rows: [EVERYONE, SIGNED_IN] },
  { who: "eve", kind: "restricted", email: "eve@example.com", rows: [EVERYONE] },
  { who: "guest", kind: "guest", rows: [EVERYONE] },
];

for (const { who, kind, email, rows } of visitors) {
  test(`${who} sees ${rows.length} of 3 rows`, { skip }, async (t) => {
    const visit = await begin(t);
    if (email) {
      await visit.signIn(email, PASSWORD);
    } else if (kind === "guest") {
      await visit.page.getByRole("button", { name: "Continue as a guest" }).click();
    }
    await visit.sees(kind, rows);
    assert.equal(visit.lastClaims()?.role ?? null, kind === "normal" ? "authenticated" : null);
    await visit.photograph(who);

    // The server knows them too, with what the browser has kept.
    await visit.page.reload();
    await visit.sees(kind, rows);
    if (kind === "normal") {
      assert.equal(visit.lastClaims().sub, await visit.page.getByLabel("You").locator("code").innerText());
    }
    if (kind !== "signed out") {
      await visit.page.getByRole("button", { name: "Sign out" }).click();
      await visit.sees("signed out", [EVERYONE]);
      assert.equal(visit.lastClaims(), null);
    }
    assert.deepEqual(visit.problems, []);
  });
}

test("a wrong password is said to be wrong, and lets nobody in", { skip }, async (t) => {
  const visit = await begin(t);
  await visit.signIn("ada@example.com", "wrong horse battery staple");
  await visit.page.getByRole("alert").filter({ hasText: "Wrong e-mail or password" }).waitFor();
  await visit.sees("signed out", [EVERYONE]);
});

/** A browser of somebody's own, at the page. */
async function begin(t) {
  const context = await browser.newContext({ viewport: { width: 900, height: 640 }, colorScheme: "light" });
  t.after(() => context.close());
  context.setDefaultTimeout(PATIENCE);
  const page = await context.newPage();
  const problems = [];
  const tokens = [];
  page.on("pageerror", (error) => problems.push(error.stack));
  page.on("response", (response) => {
    if (response.status() >= 400) {
      problems.push(`${response.status()} ${response.url()}`);
    }
  });
  page.on("request", (request) => {
    const { hostname, origin } = new URL(request.url());
    if (hostname !== "127.0.0.1") {
      problems.push(`not on this machine: ${request.url()}`);
    }
    if (origin === settings.NEXT_PUBLIC_SUPABASE_URL && request.method() === "GET") {
      tokens.push(request.headers().authorization?.replace("Bearer ", ""));
    }
  });
  await page.goto(url);
  return {
    page,
    problems,
    async signIn(email, password) {
      await page.getByLabel("E-mail").fill(email);
      await page.getByLabel("Password").fill(password);
      await page.getByRole("button", { name: "Sign in" }).click();
    },
    async sees(kind, rows) {
      await page.locator(".kind").filter({ hasText: new RegExp(`^${kind}$`) }).waitFor();
      await page.locator("section[aria-label=Rows][aria-busy=false]").waitFor();
      assert.deepEqual(await page.locator(".rows li span").allInnerTexts(), rows);
    },
    /** What Supabase was last told of the user; null when it was asked with the publishable key alone. */
    lastClaims() {
      const token = tokens.at(-1);
      return token === settings.NEXT_PUBLIC_SUPABASE_ANON_KEY ? null : payload(token);
    },
    async photograph(name) {
      await page.screenshot({ path: join(screenshots, `${name}.png`) });
      await page.emulateMedia({ colorScheme: "dark" });
      await page.setViewportSize({ width: 390, height: 760 });
      await page.screenshot({ path: join(screenshots, `${name}-dark-mobile.png`) });
    },
  };
}

function payload(token) {
  return JSON.parse(Buffer.from(token.split(".")[1], "base64url").toString());
}
