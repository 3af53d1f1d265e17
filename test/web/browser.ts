/** Debian's chromium, driven by playwright-core. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import type { BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import type { AxeResults } from 'axe-core';

const executable = '/usr/bin/chromium';
const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'];

export function browserMissing(): string | undefined {
  return existsSync(executable) ? undefined : "Debian's chromium is not installed";
}

type Look = Pick<BrowserContextOptions, 'viewport' | 'colorScheme'>;

/** One browser with a profile of its own, and in it one page after the other. What a page complains of on its console is kept. */
export class Browser {
  complaints: string[] = [];
  readonly #context: BrowserContext;
  readonly #profile: string;
  #page: Page | undefined;

  private constructor(context: BrowserContext, profile: string) {
    this.#context = context;
    this.#profile = profile;
  }

  static async open(): Promise<Browser> {
    const profile = mkdtempSync(join(tmpdir(), 'mpvm-chromium-'));
    // Still: what flows is drawn ten times a second, and a browser without a graphics card draws slowly.
    const context = await chromium.launchPersistentContext(profile, { executablePath: executable, args: flags, viewport: { width: 1280, height: 900 }, reducedMotion: 'reduce' });
    context.setDefaultTimeout(30_000);
    return new Browser(context, profile);
  }

  /** A new tab, which knows nothing of those before; they are closed. */
  async newPage({ viewport, colorScheme }: Look = {}): Promise<Page> {
    const before = this.#context.pages();
    const page = await this.#context.newPage();
    for (const old of before) await old.close();
    this.complaints = [];
    page.on('pageerror', (error) => this.complaints.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') this.complaints.push(message.text());
    });
    if (viewport) await page.setViewportSize(viewport);
    if (colorScheme) await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    this.#page = page;
    return page;
  }

  get page(): Page {
    if (!this.#page) throw new Error('no page has been opened');
    return this.#page;
  }

  async close(): Promise<void> {
    await this.#context.close();
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 5 });
  }

  /** What axe-core finds wrong, one line each. */
  async accessibilityFaults(): Promise<string[]> {
    // The page's own policy lets no script in; this one comes in by way of the debugger.
    await this.page.evaluate(axeSource());
    const results = await this.page.evaluate<AxeResults>('axe.run()');
    return results.violations.flatMap(({ id, help, nodes }) => nodes.map(({ target, failureSummary }) => `${id}: ${help}: ${target.join(' ')}: ${failureSummary ?? ''}`));
  }
}

function axeSource(): string {
  return (createRequire(import.meta.url)('axe-core') as { source: string }).source;
}
