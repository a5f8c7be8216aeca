// An external partner sees its own rows and nothing else: on every page, in SQL, in the API, in every download.
import { expect, test } from '@playwright/test';
import { asPerson, cells, query, signIn, value, type Answer, type Person } from '../support/people';

const PARTNERS: [Person, string, number][] = [
  ['partner-ua', 'UA', 58_665],
  ['partner-dl', 'DL', 48_110],
];

for (const [person, carrier, rows] of PARTNERS) {
  const other = carrier === 'UA' ? 'DL' : 'UA';

  test.describe(person, () => {
    test.beforeEach(async ({ page }) => signIn(page, person));

    test('finds only what was granted', async ({ page }) => {
      await page.goto('/datasets');
      const links = (of: string) => page.locator(of).evaluateAll((all) => all.map((a) => a.getAttribute('href')).sort());
      expect(await links('.entry__title:not(.requests *)')).toEqual(['/datasets/ops/flights', '/datasets/ref/airlines']);
      // What a contract lets anyone know of, and ask for.
      expect(await links('.requests .entry__title')).toEqual(['/datasets/safety/birdstrikes']);
      await page.goto('/datasets?q=zip');
      await expect(page.locator('.entry__name')).toHaveCount(0);
      await page.goto('/');
      expect(await page.content()).not.toContain('weather');
    });

    test('sees its rows on the pages of the dataset', async ({ page }) => {
      await page.goto('/datasets/ops/flights');
      expect(new Set(await cells(page, 'carrier'))).toEqual(new Set([carrier]));
      await expect(page.locator('.access-line')).toContainText('carrier');
      await page.goto(`/datasets/ops/flights?filter=${encodeURIComponent(`carrier = '${other}'`)}`);
      await expect(page.locator('.grid')).toHaveCount(0);
      expect(await page.content()).not.toContain('336,776');
      for (const tab of ['columns', 'versions', 'access', 'api']) {
        const answer = await page.goto(`/datasets/ops/flights?tab=${tab}`);
        expect(answer!.status()).toBe(200);
        const main = await page.locator('main').innerText();
        expect(main, tab).not.toContain('336,776');
        expect(main, tab).not.toMatch(new RegExp(`\\b${other}\\b`));
      }
    });

    test('sees its rows in SQL', async ({ page }) => {
      expect(await value(page, 'select count(*) from ops.flights')).toBe(rows);
      await page.goto(`/sql?sql=${encodeURIComponent('select distinct carrier from ops.flights')}`);
      expect(await cells(page, 'carrier')).toEqual([carrier]);
      expect(await value(page, `select count(*) from ops.flights where carrier = '${other}'`)).toBe(0);
      expect(await value(page, `select count(*) from ops.flights where carrier <> '${carrier}'`)).toBe(0);
      expect(await value(page, `select count(*) from (select carrier from ops.flights union all select carrier from ops.flights) where carrier <> '${carrier}'`)).toBe(0);
    });

    test('sees masked values as masks', async ({ page }) => {
      const answer = (await (await query(page, 'select distinct tailnum from ops.flights where tailnum is not null limit 50')).json()) as Answer;
      expect(answer.page.rows.length).toBeGreaterThan(0);
      for (const [tailnum] of answer.page.rows) expect(tailnum).not.toMatch(/^N\d/);
    });

    test('sees its rows in the API', async ({ page }) => {
      const list = await (await asPerson(page, '/api/v1/datasets')).text();
      expect(list).toContain('ops.flights');
      expect(list).not.toContain('weather');
      expect(list).not.toContain('336776');
      const detail = await (await asPerson(page, '/api/v1/datasets/ops/flights')).text();
      expect(detail).not.toContain('336776');
      const some = await asPerson(page, '/api/v1/datasets/ops/flights/rows?columns=carrier&limit=1000');
      expect(some.status).toBe(200);
      const carriers = (await some.text()).match(/"(UA|DL|AA|B6|EV|MQ|US|WN|9E|VX|FL|AS|F9|YV|HA|OO)"/g) ?? [];
      expect(new Set(carriers)).toEqual(new Set([`"${carrier}"`]));
    });

    test('takes along its rows only', async ({ page }) => {
      const { id, rows_total } = (await (await query(page, 'select carrier, flight from ops.flights')).json()) as Answer;
      expect(rows_total).toBe(rows);
      const csv = await (await asPerson(page, `/api/v1/results/${id}/download?format=csv`)).text();
      const lines = csv.trim().split(/\r?\n/).slice(1);
      expect(lines).toHaveLength(rows);
      expect(lines.every((line) => line.startsWith(`${carrier},`))).toBe(true);
      const ndjson = await (await asPerson(page, `/api/v1/results/${id}/download?format=ndjson`)).text();
      expect(ndjson.trim().split('\n')).toHaveLength(rows);
    });
  });
}

test('what is forbidden and what does not exist get the same answer', async ({ page }) => {
  await signIn(page, 'partner-ua');
  const same = (text: string) => text.replaceAll('nowhere', 'X').replaceAll('hourly', 'X').replace(/"request_id":\s*"[^"]*"/, '');
  const shown = async (name: string) => {
    const answer = await page.goto(`/datasets/weather/${name}`);
    expect(answer!.status()).toBe(404);
    return same(await page.locator('main').innerText());
  };
  expect(await shown('hourly')).toBe(await shown('nowhere'));
  for (const path of ['/api/v1/datasets/weather/NAME', '/api/v1/datasets/weather/NAME/rows', '/api/v1/ingests?unit=weather&dataset=NAME']) {
    const [forbidden, absent] = await Promise.all(['hourly', 'nowhere'].map((name) => asPerson(page, path.replace('NAME', name))));
    expect(forbidden.status, path).toBe(absent.status);
    expect(same(await forbidden.text()), path).toBe(same(await absent.text()));
  }
  for (const sql of ['select * from weather.NAME', 'select count(*) from weather.NAME', 'select x from ops.flights, weather.NAME']) {
    const [forbidden, absent] = await Promise.all(['hourly', 'nowhere'].map((name) => query(page, sql.replace('NAME', name))));
    expect(forbidden.status, sql).toBe(absent.status);
    expect(same(await forbidden.text()), sql).toBe(same(await absent.text()));
  }
});

test('an error never prints a hidden value', async ({ page }) => {
  await signIn(page, 'partner-ua');
  for (const sql of [
    'select count(*) from ops.flights where cast(tailnum as int) > 0',
    'select count(*) from ops.flights where 1 / (flight - flight) > 0 and carrier = \'DL\'',
    'select count(*) from ops.flights where cast(carrier as int) > 0',
  ]) {
    const text = await (await query(page, sql)).text();
    expect(text, sql).not.toMatch(/\bN\d{2,}/);
    expect(text, sql).not.toMatch(/'(DL|AA|B6|EV)' to/);
  }
});

test('a result belongs to those whose policy made it', async ({ page, browser }) => {
  await signIn(page, 'analyst');
  const { id } = (await (await query(page, 'select carrier, count(*) from ops.flights group by carrier')).json()) as Answer;
  const context = await browser.newContext();
  const stranger = await context.newPage();
  await signIn(stranger, 'partner-ua');
  for (const path of [`/api/v1/results/${id}`, `/api/v1/results/${id}/download?format=csv`, `/api/v1/queries/${id}`]) {
    expect((await asPerson(page, path)).status, path).toBe(200);
    expect((await asPerson(stranger, path)).status, path).toBe(404);
  }
  await context.close();
});

test('a partner may neither upload nor see arrivals', async ({ page }) => {
  await signIn(page, 'partner-ua');
  const form = new FormData();
  form.append('file', new Blob(['carrier,flight\nUA,1\n']), 'mine.csv');
  const upload = await asPerson(page, '/api/v1/uploads/ops/flights', { method: 'POST', body: form });
  expect([403, 404]).toContain(upload.status);
  const arrivals = await asPerson(page, '/api/v1/ingests');
  expect(await arrivals.text()).not.toContain('2013-');
});
