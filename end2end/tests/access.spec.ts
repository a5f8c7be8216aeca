// A partner finds a dataset that it cannot see and asks; a steward sees what a grant gives, gives it, and ends it.
import { expect, test, type Browser, type Page } from '@playwright/test';
import { expectAccessible } from '../support/axe';
import { query, signIn, type Person } from '../support/people';

const NAME = 'safety.birdstrikes';
const PAGE = '/datasets/safety/birdstrikes';

async function as(browser: Browser, person: Person, path: string, look: (page: Page) => Promise<void>) {
  const context = await browser.newContext();
  const page = await context.newPage();
  await signIn(page, person, path);
  await look(page);
  await context.close();
}

test('from finding a dataset to the end of its access', async ({ page, browser, javaScriptEnabled }, info) => {
  const accessible = async (p: Page) => (javaScriptEnabled === false ? undefined : expectAccessible(p));
  // Each project asks as a partner of its own: one request for a dataset waits at a time.
  const partner: Person = info.project.name === 'plain' ? 'partner-dl' : 'partner-ua';
  const purpose = `Where birds are met (${info.project.name})`;
  await signIn(page, partner, '/datasets?q=bird');
  await page.getByRole('link', { name: 'Bird strikes' }).click();
  await expect(page.locator('.page-head')).toContainText('You cannot see its data');
  await expect(page.locator('main')).not.toContainText('airport_name');
  await page.getByLabel('What for?').fill(purpose);
  await page.getByLabel('For how long?').selectOption('7');
  await page.getByRole('button', { name: 'Ask for access' }).click();
  await expect(page.locator('tr', { hasText: purpose }).first()).toContainText('waits');
  expect((await query(page, `select count(*) from ${NAME}`)).status).not.toBe(200);

  await as(browser, 'steward', '/', async (steward) => {
    await accessible(steward);
    await steward.getByRole('link', { name: /access request/ }).first().click();
    await steward.locator('tr', { hasText: purpose }).filter({ hasText: 'waits' }).getByRole('link').click();
    await steward.getByLabel('Rows', { exact: true }).fill('airport_nam is not null');
    await steward.getByRole('button', { name: 'See what this gives' }).click();
    await expect(steward.getByRole('alert')).toContainText('line 1, column 1');
    await steward.getByLabel('Rows', { exact: true }).fill('airport_name is not null');
    await steward.getByRole('button', { name: 'See what this gives' }).click();
    await expect(steward.locator('.figure')).toContainText('of 10,000 rows');
    await accessible(steward);
    await steward.getByRole('button', { name: 'Give this access' }).click();
    await expect(steward.locator('tr', { hasText: purpose }).first()).toContainText('granted');
  });

  await expect(async () => {
    expect((await query(page, `select count(*) from ${NAME}`)).status).toBe(200);
  }).toPass({ timeout: 10_000 });
  await page.goto('/');
  await expect(page.locator('.banner', { hasText: NAME })).toContainText(/ends\s+in [67] days/);
  await accessible(page);
  await page.goto(PAGE);
  await expect(page.locator('.access-line')).toContainText('airport_name');

  await as(browser, 'steward', '/access', async (steward) => {
    await steward.locator('tr', { hasText: purpose }).filter({ hasText: 'granted' }).getByRole('link').click();
    await steward.getByLabel('Why? The asker reads this.').fill('The season is over');
    await steward.getByRole('button', { name: 'End it now' }).click();
  });
  await page.goto('/access');
  await expect(page.locator('tr', { hasText: purpose }).first()).toContainText('The season is over');
  await expect(async () => {
    expect((await query(page, `select count(*) from ${NAME}`)).status).not.toBe(200);
  }).toPass({ timeout: 10_000 });
});
