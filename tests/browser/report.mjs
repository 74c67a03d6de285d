// Opens reports in Chromium and holds them to what they promise. Started by tests/html.rs:
//   node report.mjs CHROMIUM FOLDER-OF-REPORTS FOLDER-OF-SCREENSHOTS
// Every promise is told in a line; the first that is broken ends it with exit 1.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { chromium } from "playwright-core";

const [executablePath, reports, shots] = process.argv.slice(2);
mkdirSync(shots, { recursive: true });
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const url = (name) => pathToFileURL(resolve(join(reports, `${name}.html`))).href;

const browser = await chromium.launch({
  executablePath,
  args: [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
  ],
});

/** A page of a context of its own; whatever it complains of or asks for is an error. */
async function open(name, { script = true, colorScheme = "light", width = 1280, height = 900 } = {}) {
  const context = await browser.newContext({
    javaScriptEnabled: script, colorScheme, viewport: { width, height }, reducedMotion: "reduce",
  });
  if (script) await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const page = await context.newPage();
  const trouble = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) trouble.push(`console: ${message.text()}`);
  });
  page.on("pageerror", (error) => trouble.push(`script: ${error.message}`));
  page.on("request", (request) => {
    if (request.url().split("#")[0] !== url(name)) trouble.push(`request: ${request.url()}`);
  });
  await page.goto(url(name));
  return {
    page,
    async close() {
      assert.deepEqual(trouble, [], `${name}: neither complaints nor requests`);
      await context.close();
    },
  };
}

async function accessible(page, what) {
  // Not by a script element, which the page's own policy refuses.
  await page.evaluate(axe);
  const result = await page.evaluate(() => globalThis.axe.run(document, {
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
  }));
  const broken = result.violations.map((it) =>
    `${it.id}: ${it.help}: ${it.nodes.slice(0, 3).map((node) => `${node.target} ${node.any[0]?.message ?? ""}`).join(" | ")}`);
  assert.deepEqual(broken, [], `${what}: rules of axe`);
  assert.ok(result.passes.length > 10, "axe has looked at the page");
}

const done = (words) => console.log(`ok: ${words}`);
const shot = (page, name) => page.screenshot({ path: join(shots, `${name}.png`), fullPage: true });

// How it looks, and what axe says, in light and dark, wide and narrow.
for (const name of ["held", "plan", "doctor", "gpu", "large", "large-plan"]) {
  for (const [look, options] of Object.entries({
    light: {}, dark: { colorScheme: "dark" }, narrow: { width: 400, height: 800 },
  })) {
    const { page, close } = await open(name, options);
    await shot(page, `${name}-${look}`);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= (options.width ?? 1280), `${name} ${look}: ${wide} wide`);
    if (look === "light" || name === "held") await accessible(page, `${name} ${look}`);
    await close();
  }
  done(`${name}: light, dark and 400 px wide; axe; no complaint and no request`);
}

// Colours can be chosen.
{
  const { page, close } = await open("held");
  const back = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await back();
  await page.getByRole("button", { name: "Dark" }).click();
  assert.notEqual(await back(), light);
  assert.equal(await page.getByRole("button", { name: "Dark" }).getAttribute("aria-pressed"), "true");
  await accessible(page, "held, dark by choice");
  await page.getByRole("button", { name: "System" }).click();
  assert.equal(await back(), light);
  await close();
  done("colours can be chosen");
}

// Filters.
{
  const { page, close } = await open("plan");
  const shown = () => page.locator("#findings article:not([hidden])").count();
  const all = await page.locator("#findings article").count();
  const tools = page.locator("#findings .tools");
  assert.ok(all > 2 && await shown() === all);
  const code = await tools.locator("select[name=code] option").nth(1).getAttribute("value");
  await tools.locator("select[name=code]").selectOption(code);
  const ofCode = await page.locator(`#findings article[data-code=${code}]`).count();
  assert.equal(await shown(), ofCode);
  assert.match(await tools.locator("output").textContent(), new RegExp(`^${ofCode} of ${all} shown$`));
  await tools.getByRole("button", { name: "Show all" }).click();
  await page.waitForFunction((count) => document.querySelectorAll("#findings article:not([hidden])").length === count, all);
  const errors = await page.locator("#findings article[data-kind=error]").count();
  await tools.getByLabel(/^Errors/).uncheck();
  assert.equal(await shown(), all - errors);
  await tools.getByRole("button", { name: "Show all" }).click();
  await tools.getByLabel("Virtual machine").selectOption({ index: 1 });
  const vm = await tools.getByLabel("Virtual machine").inputValue();
  assert.equal(await shown(), await page.locator(`#findings article[data-vm~="${vm}"]`).count());
  await tools.getByRole("button", { name: "Show all" }).click();
  await tools.getByLabel("Text").fill("no such words anywhere");
  assert.equal(await shown(), 0);
  await tools.getByLabel("Text").fill("0000:01:00.1");
  assert.ok(await shown() > 0 && await shown() < all);
  await close();
  done("findings are narrowed down by kind, VM, code and text");
}

// A device in the picture, by mouse and by keyboard, with its facts, evidence and remedies.
{
  const { page, close } = await open("held");
  const dialog = page.getByRole("dialog");
  const box = page.locator('svg a[href="#d-0000:01:00.0"]');
  await box.click();
  await dialog.waitFor();
  const words = await dialog.textContent();
  for (const part of ["0000:01:00.0", "IOMMU group", "DRIVER=nvidia", "driver_override", "AH207"]) {
    assert.ok(words.includes(part), `the dialog tells ${part}`);
  }
  await accessible(page, "held, with a device");
  await page.screenshot({ path: join(shots, "held-device.png") });
  await dialog.getByRole("button", { name: "Copy" }).first().click();
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  assert.equal(copied, await dialog.locator(".commands code").first().textContent());
  await page.keyboard.press("Escape");
  await dialog.waitFor({ state: "hidden" });
  await box.focus();
  await page.keyboard.press("Enter");
  await dialog.waitFor();
  await dialog.getByRole("button", { name: "Close" }).press("Enter");
  await dialog.waitFor({ state: "hidden" });
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute("href")), "#d-0000:01:00.0");
  await page.getByRole("button", { name: "Copy" }).first().click();
  const command = await page.evaluate(() => navigator.clipboard.readText());
  assert.match(command, /^modprobe vfio-pci\necho vfio-pci > \/sys\/bus\/pci\/devices\/0000:01:00\.0\/driver_override\n/);
  await close();
  done("a device shows its facts, evidence and remedies; commands are copied");
}

// The keyboard reaches everything that can be used, in the order of the page.
{
  const { page, close } = await open("held");
  const expected = await page.evaluate(() => {
    const usable = "a[href],button,input,select,summary,[tabindex='0']";
    const visible = (element) => element.checkVisibility() && !element.closest("dialog");
    const all = Array.from(document.querySelectorAll(usable)).filter(visible);
    all.forEach((element, at) => { element.dataset.number = at; });
    return all.length;
  });
  const reached = [];
  for (let press = 0; press < expected + 5; press += 1) {
    await page.keyboard.press("Tab");
    const number = await page.evaluate(() => document.activeElement?.dataset?.number);
    if (number === undefined) break;
    reached.push(Number(number));
  }
  assert.deepEqual(reached, Array.from({ length: expected }, (_, at) => at));
  await close();
  done(`the keyboard reaches all ${expected} things that can be used`);
}

// Without a script everything can be read, and a box of the picture leads to its device.
{
  const { page, close } = await open("held", { script: false });
  await shot(page, "held-without-script");
  assert.equal(await page.locator("[data-needs-script]:visible").count(), 0);
  assert.ok(await page.getByText("PCIe device 0000:01:00.0 is bound").first().isVisible());
  await page.locator('svg a[href="#d-0000:01:00.0"]').click();
  assert.ok(await page.locator('[id="d-0000:01:00.0"]').isVisible(), "the device was opened");
  await close();
  done("it can be read without a script");
}

// On paper nothing is left that only a screen needs.
{
  const { page, close } = await open("held");
  await page.emulateMedia({ media: "print" });
  assert.equal(await page.locator(".tools:visible, .switch:visible, nav:visible").count(), 0);
  await close();
  done("on paper the tools are gone");
}

// Names from files and archives stay text.
{
  const { page, close } = await open("hostile");
  assert.equal(await page.evaluate(() => globalThis.harmed), undefined);
  assert.ok((await page.locator("#vms").textContent()).includes("<img src=x onerror=harmed=1>"));
  await page.locator("svg a").first().click();
  assert.equal(await page.evaluate(() => globalThis.harmed), undefined);
  assert.equal(await page.locator("img").count(), 0);
  await close();
  done("hostile names stay text");
}

// A host of 2,000 functions: few boxes, and it opens in about the time of a small one.
{
  const opens = async (name) => {
    const times = [];
    for (let turn = 0; turn < 5; turn += 1) {
      const { page, close } = await open(name);
      times.push(await page.evaluate(() => new Promise((done) => {
        requestAnimationFrame(() => setTimeout(() => done(performance.now())));
      })));
      await close();
    }
    return times.sort((a, b) => a - b)[2];
  };
  const [small, large] = [await opens("held"), await opens("large")];
  const { page, close } = await open("large");
  const boxes = await page.locator("#machine svg a").count();
  const functions = await page.locator("[id^='d-']").count();
  assert.ok(functions >= 2000 && boxes <= 100, `${functions} functions in ${boxes} boxes`);
  await close();
  const words = `${functions} functions in ${boxes} boxes: ${large.toFixed()} ms, a small host ${small.toFixed()} ms`;
  assert.ok(large <= 10 * small, words);
  done(words);
}

await browser.close();
