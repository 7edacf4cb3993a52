/** Headless Chromium with the page. */

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after } from 'node:test';
import { chromium } from 'playwright-core';

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  // Containers have no user namespaces, and little shared memory.
  args: ['--no-sandbox', '--disable-dev-shm-usage'],
});
after(() => browser.close());

export const DESKTOP = { width: 1280, height: 900 };
export const PHONE = { width: 390, height: 844 };

/**
 * The page at an address, in a browser profile of its own. A test fails where the page asks another host,
 * or where a script of it fails.
 */
export async function open(url, { viewport = DESKTOP, colorScheme = 'light', ...more } = {}) {
  const context = await browser.newContext({ viewport, colorScheme, ...more });
  const page = await context.newPage();
  const problems = [];
  page.on('pageerror', error => problems.push(String(error)));
  page.on('console', message => {
    // A failed turn is an answer with a status, which Chromium notes too.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) problems.push(message.text());
  });
  page.on('request', request => {
    const { origin, protocol } = new URL(request.url());
    if (protocol !== 'data:' && origin !== new URL(url).origin) problems.push(`it asked ${request.url()}`);
  });
  await page.goto(url);
  await page.getByRole('radio').first().waitFor();
  return new Page(context, page, problems);
}

class Page {
  constructor(context, page, problems) {
    Object.assign(this, { context, page, problems });
  }

  async choose(name) {
    await this.page.getByRole('radio', { name }).check();
  }

  /** Sends a prompt with the Enter key. Gives its turn. */
  async ask(prompt) {
    const turns = this.page.locator('section:not([hidden]) article');
    const number = await turns.count();
    await this.page.getByLabel('Prompt', { exact: true }).fill(prompt);
    await this.page.keyboard.press('Enter');
    const turn = turns.nth(number);
    await turn.waitFor();
    return turn;
  }

  /** The same, and waits for its end. */
  async askAndWait(prompt) {
    const turn = await this.ask(prompt);
    await this.over(turn);
    return turn;
  }

  async over(turn) {
    await turn.and(this.page.locator('[aria-busy=false]')).waitFor();
  }

  session() {
    return this.page.getByLabel('Session', { exact: true }).inputValue();
  }

  /** What a check of accessibility finds. */
  async violations() {
    await this.page.addScriptTag({ path: AXE });
    const { violations } = await this.page.evaluate(() => globalThis.axe.run());
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(node => node.html).join(' | ')}`);
  }

  async close() {
    await this.context.close();
    assert.deepEqual(this.problems, []);
  }
}
