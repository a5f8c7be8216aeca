// Asking in SQL: the page, its errors, its cache, and taking the answer along.
import { expect, test, type Page } from '@playwright/test';
import { asPerson, cells, query, signIn, type Answer } from '../support/people';

async function run(page: Page, sql: string) {
  await page.goto('/sql');
  await page.getByRole('textbox', { name: 'SQL', exact: true }).fill(sql);
  await page.getByRole('button', { name: 'Run' }).click();
  await expect(page.locator('.result, .problem').first()).toBeVisible();
}

test('a query is answered in numbers that are true', async ({ page }) => {
  await signIn(page, 'analyst');
  await run(page, 'select count(*) as n, sum(distance) as miles from ops.flights');
  expect((await cells(page, 'n')).map(digits)).toEqual(['336776']);
  expect((await cells(page, 'miles')).map(digits)).toEqual(['350217607']);
});

test('the same query again is answered from the cache, and pages do not run it again', async ({ page }) => {
  await signIn(page, 'analyst');
  const sql = 'select carrier, flight, dest from ops.flights where month = 3 order by carrier, flight, dest, day';
  await query(page, sql);
  const again = await query(page, sql);
  expect(again.headers.get('x-penstock-cache')).toMatch(/^hit; tier=(memory|store)$/);
  await run(page, sql);
  await expect(page.locator('.result__count')).toHaveText('28,834 rows');
  const first = await cells(page, 'flight');
  await page.getByRole('link', { name: 'Rows after' }).click();
  await expect(page).toHaveURL(/offset=/);
  expect(await cells(page, 'flight')).not.toEqual(first);
});

test('an error stands under the editor with its place', async ({ page }) => {
  await signIn(page, 'analyst');
  await run(page, 'select carier from ops.flights');
  await expect(page.getByRole('alert')).toContainText('carier');
  await expect(page.getByRole('textbox', { name: 'SQL', exact: true })).toHaveValue('select carier from ops.flights');
});

for (const sql of [
  'drop table ops.flights',
  'insert into ops.flights select * from ops.flights',
  'select 1; select 2',
  "copy ops.flights to '/tmp/x.csv'",
  "create external table x stored as csv location '/etc/passwd'",
  'set datafusion.execution.batch_size = 1',
  'show tables',
  "select * from '/etc/passwd'",
  'select * from information_schema.tables',
]) {
  test(`refused: ${sql}`, async ({ page }) => {
    await signIn(page, 'steward');
    await run(page, sql);
    await expect(page.getByRole('alert')).toBeVisible();
    await expect(page.locator('.grid')).toHaveCount(0);
  });
}

const formats: [string, RegExp, (bytes: Buffer) => void][] = [
  ['csv', /text\/csv/, (b) => expect(b.toString().trim().split(/\r?\n/)).toHaveLength(17)],
  ['json', /application\/json/, (b) => expect(JSON.parse(b.toString())).toHaveLength(16)],
  ['ndjson', /ndjson/, (b) => expect(b.toString().trim().split('\n').map((l) => JSON.parse(l))).toHaveLength(16)],
  ['parquet', /parquet/, (b) => expect([b.subarray(0, 4).toString(), b.subarray(-4).toString()]).toEqual(['PAR1', 'PAR1'])],
  ['arrow', /arrow/, (b) => expect(b.readInt32LE(0)).toBe(-1)],
];
for (const [format, type, check] of formats) {
  test(`an answer is taken along as ${format}`, async ({ page }) => {
    await signIn(page, 'analyst');
    const sql = 'select carrier, count(*) as n from ops.flights group by carrier order by carrier';
    await page.goto(`/sql?sql=${encodeURIComponent(sql)}`);
    await page.locator('.export > summary').click();
    const link = page.locator(`.export a[href*="format=${format}"]`);
    await expect(link).toBeVisible();
    const answer = await asPerson(page, (await link.getAttribute('href'))!);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toMatch(type);
    expect(answer.headers.get('content-disposition')).toMatch(/attachment/);
    check(Buffer.from(await answer.arrayBuffer()));
  });
}

test('clicking an export saves a file', async ({ page }) => {
  await signIn(page, 'analyst', '/sql?sql=select%20carrier%20from%20ops.flights%20limit%203');
  await page.locator('.export > summary').click();
  const saved = page.waitForEvent('download');
  await page.locator('.export a[href*="format=csv"]').click();
  expect((await saved).suggestedFilename()).toMatch(/\.csv$/);
});

test('what one asked stands on the home page', async ({ page }) => {
  await signIn(page, 'analyst');
  const answer = (await (await query(page, 'select 41 + 1 as the_answer')).json()) as Answer;
  expect(answer.page.rows).toEqual([[42]]);
  await page.goto('/');
  await expect(page.locator('.recent').first()).toContainText('the_answer');
});

const digits = (text: string) => text.replace(/\D/g, '');
