import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

/** How long a slow machine may take for anything, in milliseconds. */
const patience = 180_000;

/**
 * Runs `test` with a browser whose pages may ask `origin` only, and may complain about nothing. The browser ends with the
 * test, however that ends.
 */
export async function withBrowser(executablePath, origin, test) {
  // The browser leaves files behind when it is ended.
  const folder = await mkdtemp(join(tmpdir(), "hexclave-browser-"));
  const browser = await chromium.launch({
    executablePath,
    env: { ...process.env, TMPDIR: folder },
    timeout: patience,
    args: ["--disable-gpu", "--disable-quic"],
  });
  try {
    const context = await browser.newContext();
    context.setDefaultTimeout(patience);
    const complaints = [];
    context.on("request", (request) => {
      const url = new URL(request.url());
      if (url.protocol !== "data:" && url.origin !== origin) {
        complaints.push(`the page asked for ${url}`);
      }
    });
    context.on("console", (message) => {
      // Besides these there is advice, which differs from one browser to the next.
      if (["error", "warning"].includes(message.type())) {
        complaints.push(`${message.type()}: ${message.text()}`);
      }
    });
    context.on("weberror", (error) => complaints.push(`error: ${error.error().message}`));
    context.on("dialog", (dialog) => complaints.push(`dialog: ${dialog.message()}`));
    const result = await test(context);
    assert.deepEqual(complaints, []);
    return result;
  } finally {
    await browser.close();
    await rm(folder, { recursive: true, force: true, maxRetries: 10 });
  }
}

/** A page shows all of itself at these widths without being scrolled sideways. */
export async function fitsEveryWidth(page) {
  for (const width of [320, 375, 768, 1024, 1400]) {
    await page.setViewportSize({ width, height: 800 });
    const wide = await page.evaluate(() =>
      [document.documentElement, ...document.querySelectorAll(".wide")]
        .filter((element) => element.scrollWidth > element.clientWidth)
        .map((element) => `${element.tagName} ${element.className}: ${element.scrollWidth} of ${element.clientWidth}`),
    );
    assert.deepEqual(wide, [], `at ${width} pixels`);
  }
}

/** Texts can be read in the light and in the dark: with the contrast of WCAG 2.2, 1.4.3, which is 4.5 to 1. */
export async function isReadable(page, selectors) {
  const backgrounds = [];
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme });
    const { background, contrasts } = await page.evaluate((selectors) => {
      const channels = (colour) => colour.match(/[\d.]+/g).slice(0, 3).map(Number);
      const luminance = (colour) => {
        const [red, green, blue] = channels(colour).map((channel) => {
          const part = channel / 255;
          return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
      };
      const background = getComputedStyle(document.body).backgroundColor;
      const contrasts = selectors.map((selector) => {
        const colour = getComputedStyle(document.querySelector(selector)).color;
        const [darker, lighter] = [luminance(colour), luminance(background)].sort((a, b) => a - b);
        return [selector, (lighter + 0.05) / (darker + 0.05)];
      });
      return { background, contrasts };
    }, selectors);
    for (const [selector, contrast] of contrasts) {
      assert.ok(contrast >= 4.5, `${selector} in the ${colorScheme}: ${contrast.toFixed(1)}`);
    }
    backgrounds.push(background);
  }
  assert.notEqual(backgrounds[0], backgrounds[1]);
}
