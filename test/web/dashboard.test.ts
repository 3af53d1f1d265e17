/** The dashboard in a real browser, over a real VM. */
import assert from 'node:assert/strict';
import type { Locator, Page } from 'playwright-core';
import { useLab } from '../lab/lab.js';
import { skip } from '../lab/skip.js';
import { until } from '../lab/wait.js';
import { Browser, browserMissing } from './browser.js';
import { serveSynthetic } from './synthetic.js';

const name = (tid: number): string => `t${tid.toString(16)}`;
const row = (page: Page, table: string, text: string): Locator => page.locator(`#${table} tbody tr`).filter({ hasText: text }).first();

const missing = browserMissing();

describe('the dashboard', function () {
  this.timeout(120_000);
  if (missing) {
    it('in a browser', function () {
      skip(this, missing);
    });
    return;
  }
  const lab = useLab({ nodes: 3 });
  let browser: Browser;
  let url: string;
  const shows = async (locator: Locator, text: string | RegExp): Promise<void> => locator.filter({ hasText: text }).first().waitFor();

  before(async () => {
    ({ url } = await lab().json<{ url: string }>(['dashboard']));
  });
  before(async () => {
    browser = await Browser.open();
  });
  after(async () => browser?.close());

  /** The page as a user opens it: live, with all nodes. */
  async function opened(): Promise<Page> {
    const page = await browser.newPage();
    await page.goto(url);
    await shows(page.locator('#status'), 'live');
    await shows(row(page, 'nodes', 'n3'), 'n3');
    return page;
  }

  it('shows nodes and tasks as they are, and what they do', async () => {
    const [busy] = await lab().spawn('spinner', ['1000000000000'], 'n1');
    const [idle] = await lab().spawn('sleeper', ['trecv', '600000', '1'], 'n2');
    const page = await opened();
    await shows(row(page, 'tasks', name(busy!)), 'spinner');
    await shows(row(page, 'tasks', name(idle!)), /n2.*running.*100 %/);
    assert.match(await page.title(), new RegExp(lab().name));
    assert.equal(new URL(page.url()).hash, '', 'the token stays in no history');
    // A place of the diagram, in words, by keyboard.
    await page.locator('#diagram').focus();
    await page.keyboard.press('ArrowRight');
    await until('the diagram tells what the task did', async () => {
      await page.keyboard.press('ArrowLeft');
      return /on n1: computing \d+ %/.test((await page.locator('#diagram-cursor').textContent()) ?? '');
    });
    await lab().cli(['kill', name(busy!), name(idle!)]);
    await row(page, 'tasks', name(busy!)).waitFor({ state: 'detached' });
    assert.deepEqual(browser.complaints, []);
  });

  it('a move: the plan is shown, and when it is confirmed, the move is seen live', async () => {
    const [tid] = await lab().spawn('spinner', ['1000000000000'], 'n1');
    const page = await opened();
    await page.getByRole('button', { name: `Move ${name(tid!)}` }).click();
    const dialog = page.getByRole('dialog', { name: `Move ${name(tid!)}` });
    await shows(dialog.getByRole('status'), /About .* stands still/);
    assert.equal((await lab().task(tid!))?.node, 'n1', 'nothing has been done yet');
    await dialog.getByLabel('From n1 to').selectOption('n3');
    await dialog.getByRole('button', { name: 'Move it to n3' }).click();
    await shows(page.getByRole('dialog'), `${name(tid!)} runs on n3`);
    await page.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
    await shows(row(page, 'tasks', name(tid!)), 'n3');
    await shows(page.getByRole('log'), `${name(tid!)} moved from n1 to n3`);
    await shows(row(page, 'moves', name(tid!)), /n1 → n3.*completed/);
    // Its timeline opens.
    await page.locator('#moves').getByRole('button', { name: name(tid!) }).click();
    await shows(page.locator('.chart'), 'frozen');
    await lab().cli(['kill', name(tid!)]);
    assert.deepEqual(browser.complaints, []);
  });

  it('a move made elsewhere is seen, whichever node coordinates it', async () => {
    const [tid] = await lab().spawn('spinner', ['1000000000000'], 'n2');
    const page = await opened();
    await shows(row(page, 'tasks', name(tid!)), 'n2');
    await lab().move(tid!, 'n1');
    await shows(page.getByRole('log'), `${name(tid!)} moved from n2 to n1`);
    await shows(row(page, 'tasks', name(tid!)), 'n1');
    await lab().cli(['kill', name(tid!)]);
  });

  it('a drain by keyboard alone: plan, reason, progress, end; then uncordon', async () => {
    const tids = await lab().spawn('spinner', ['1000000000000'], 'n2', 2);
    const page = await opened();
    await shows(row(page, 'tasks', name(tids[1]!)), 'n2');
    const focused = (): Promise<string> => page.evaluate('document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.textContent ?? ""');
    const tabTo = (wanted: string | RegExp): Promise<unknown> => until(`the focus comes to ${String(wanted)}`, async () => {
      await page.keyboard.press('Tab');
      return new RegExp(wanted).test(await focused());
    });
    await tabTo('^Drain n2$');
    await page.keyboard.press('Enter');
    const dialog = page.getByRole('dialog', { name: 'Drain n2' });
    await shows(dialog.getByRole('status'), /2 tasks/);
    assert.deepEqual((await lab().nodes()).map(({ cordoned }) => cordoned ?? false), [false, false, false], 'a plan changes nothing');
    await dialog.getByLabel(/^Reason/).focus();
    await page.keyboard.type('new disk');
    await tabTo(/^Drain n2: move 2 tasks$/);
    await page.keyboard.press('Enter');
    await shows(page.getByRole('dialog', { name: 'Draining n2' }), 'n2 is empty');
    await page.keyboard.press('Escape');
    await until('the focus is where it was', async () => (await focused()) === 'Drain n2');
    await shows(row(page, 'nodes', 'n2'), /drained.*new disk/);
    await tabTo('^Uncordon n2$');
    await page.keyboard.press('Enter');
    await shows(page.getByRole('log'), 'n2 takes tasks again');
    await until('n2 takes tasks', async () => (await lab().nodes()).every(({ cordoned }) => !cordoned));
    await lab().cli(['kill', ...tids.map(name)]);
    assert.deepEqual(browser.complaints, []);
  });

  it('what cannot be done is said, with the reason', async () => {
    const [tid] = await lab().spawn('spinner', ['1000000000000'], 'n1');
    const page = await opened();
    await page.getByRole('button', { name: `Move ${name(tid!)}` }).click();
    await shows(page.getByRole('dialog').getByRole('status'), /About/);
    await lab().cli(['kill', '-s', 'KILL', name(tid!)]);
    await until('the task has ended', async () => (await lab().task(tid!)) === undefined);
    await page.getByRole('dialog').getByRole('button', { name: /Move it to/ }).click();
    await shows(page.getByRole('dialog'), /t[0-9a-f]+ .*(no|not|ended|unknown)/i);
  });

  it('without the right token nothing is shown, and the right one opens the page', async () => {
    const page = await browser.newPage();
    const plain = url.replace(/#.*/, '');
    await page.goto(`${plain}#token=wrong`);
    await page.getByRole('heading', { name: 'This page needs a token' }).waitFor();
    assert.equal(await page.locator('#nodes tbody tr').count(), 0);
    await page.getByLabel(/The token that/).fill('alsowrong');
    await page.keyboard.press('Enter');
    await shows(page.locator('#token-error'), 'not the token');
    assert.deepEqual(await browser.accessibilityFaults(), []);
    await page.getByLabel(/The token that/).fill(url.replace(/.*#token=/, ''));
    await page.keyboard.press('Enter');
    await shows(row(page, 'nodes', 'n1'), 'n1');
  });

  it('a daemon that is killed is told of, and the page is live again when it is back', async () => {
    const page = await opened();
    await lab().killDaemon('n1');
    await shows(page.getByRole('alert'), 'does not answer');
    await lab().restart('n1');
    await shows(page.locator('#status'), 'live');
    await shows(row(page, 'nodes', 'n1'), 'up');
  });

  it('pages of other origins, other names of this address, and requests without the token get nothing', async () => {
    const base = url.replace(/\/#.*/, '');
    const token = url.replace(/.*#token=/, '');
    const good = { Authorization: `Bearer ${token}` };
    const status = async (path: string, headers: Record<string, string>, method = 'GET'): Promise<number> => {
      const leaving = new AbortController();
      const response = await fetch(base + path, { method, headers, signal: leaving.signal, ...(method === 'POST' ? { body: '{"node":"n1","cordoned":true}' } : {}) });
      leaving.abort();
      return response.status;
    };
    assert.equal(await status('/api/events', {}), 401);
    assert.equal(await status('/api/events', { Authorization: 'Bearer wrong' }), 401);
    assert.equal(await status('/api/events', good), 200);
    assert.equal(await status('/api/events', { ...good, Origin: 'http://evil.example' }), 400);
    assert.equal(await status('/api/cordon', { 'Content-Type': 'application/json' }, 'POST'), 401);
    assert.equal(await status('/api/cordon', { ...good, 'Content-Type': 'text/plain' }, 'POST'), 400);
    assert.equal(await status('/api/cordon', { ...good, Origin: 'null', 'Content-Type': 'application/json' }, 'POST'), 400);
    assert.equal(await status('/../../package.json', good), 404);
    assert.ok((await lab().nodes()).every(({ cordoned }) => !cordoned));
    const front = await fetch(`${base}/`);
    assert.match(front.headers.get('content-security-policy') ?? '', /default-src 'none'.*script-src 'self'.*frame-ancestors 'none'/);
    assert.doesNotMatch(await front.text(), /https?:\/\/|<script>|style=|onclick/);
  });
});

describe('the dashboard of a VM of any size', function () {
  this.timeout(120_000);
  if (missing) return;
  let browser: Browser;
  before(async () => {
    browser = await Browser.open();
  });
  after(async () => browser?.close());

  for (const [what, size, look] of [
    ['30 nodes and 300 tasks, light, wide', { nodes: 30, tasks: 300 }, { colorScheme: 'light', viewport: { width: 1440, height: 1000 } }],
    ['4 nodes and 12 tasks, dark, narrow', { nodes: 4, tasks: 12 }, { colorScheme: 'dark', viewport: { width: 420, height: 900 } }],
  ] as const) {
    it(`${what}: nothing keeps anybody out (axe-core), all tasks can be seen and found`, async () => {
      const vm = await serveSynthetic(size);
      try {
        const page = await browser.newPage(look);
        await page.goto(vm.url);
        const shown = page.locator('#tasks tbody tr');
        await until('tasks are shown', async () => (await shown.count()) === Math.min(50, size.tasks));
        await page.locator('#moves .toggle').first().click();
        assert.deepEqual(await browser.accessibilityFaults(), []);
        if (size.tasks > 50) await page.getByRole('button', { name: `Show all ${size.tasks}` }).click();
        assert.equal(await shown.count(), size.tasks);
        await page.getByRole('searchbox').fill('n3 ring');
        await until('only what is looked for is shown', async () => (await shown.count()) > 0 && (await shown.filter({ hasNotText: 'n3' }).count()) === 0);
        const overflow = await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');
        assert.ok(overflow <= 0, `the page is ${overflow} px wider than its window`);
        assert.deepEqual(browser.complaints, []);
      } finally {
        vm.stop();
      }
    });
  }
});
