// Finding data: home, the list of datasets, a dataset's page with its tabs.
import { expect, test } from '@playwright/test';
import { cells, signIn } from '../support/people';

test('home searches what one may see', async ({ page }) => {
  await signIn(page, 'analyst');
  await expect(page.getByRole('heading', { name: 'Recently changed' })).toBeVisible();
  await page.locator('main').getByRole('searchbox').fill('zipcodes');
  await page.locator('main').getByRole('button', { name: 'Search' }).click();
  await expect(page).toHaveURL(/\/datasets\?q=zipcodes/);
  await expect(page.locator('.entry__name')).toHaveText([/geo\.zipcodes/]);
});

test('datasets are listed by unit', async ({ page }) => {
  await signIn(page, 'analyst', '/datasets');
  const all = await page.locator('.entry__title').count();
  expect(all).toBeGreaterThan(10);
  await page.getByRole('navigation', { name: 'Business units' }).getByRole('link', { name: /ref/ }).click();
  await expect(page).toHaveURL(/unit=ref/);
  await expect(page.locator('.entry__title')).toHaveCount(3);
});

test('a dataset shows its rows, sorts and filters them by links and a form', async ({ page }) => {
  await signIn(page, 'analyst', '/datasets/ops/flights');
  await expect(page.locator('.page-head__facts')).toContainText('336,776 rows');
  await page.getByLabel('Rows where').fill("carrier = 'HA' and distance > 4000");
  await page.getByRole('button', { name: 'Filter' }).click();
  await expect(page).toHaveURL(/filter=/);
  expect(new Set(await cells(page, 'carrier'))).toEqual(new Set(['HA']));
  await page.locator('.grid__head a', { hasText: 'distance' }).click();
  await expect(page).toHaveURL(/sort=distance/);
  await expect(page.locator('th[aria-sort="ascending"]')).toContainText('distance');
});

test('a wrong filter says what is wrong', async ({ page }) => {
  await signIn(page, 'analyst', '/datasets/ops/flights?filter=carier%20%3D%20%27UA%27');
  await expect(page.getByRole('alert')).toContainText('carier');
});

test('the columns of postcodes and zip codes are text', async ({ page }) => {
  await signIn(page, 'analyst', '/datasets/geo/zipcodes?tab=columns');
  await expect(page.locator('main')).toContainText('zip_code');
  await page.goto('/datasets/geo/zipcodes');
  const codes = await cells(page, 'zip_code');
  expect(codes.length).toBeGreaterThan(0);
  for (const code of codes) expect(code).toMatch(/^\d{5}$/);
});

test('columns show how their values are spread', async ({ page }) => {
  await signIn(page, 'analyst', '/datasets/ops/flights?tab=columns');
  const row = (name: string) => page.getByRole('row', { name: new RegExp(`^${name} `) });
  await expect(row('distance').getByRole('img', { name: /^Histogram from .* to / })).toBeVisible();
  await expect(row('carrier').locator('.profile__value').first()).toContainText('UA');
  await expect(row('carrier').locator('.profile__value').first()).toContainText('58,665');
  await row('carrier').getByText('7 more').click();
  await expect(row('carrier').locator('.profile__value')).toHaveCount(10);
});

test('a partner sees figures of its own rows and no picture of all', async ({ page }) => {
  await signIn(page, 'partner-ua', '/datasets/ops/flights?tab=columns');
  await expect(page.locator('.profile')).toContainText('carrier');
  await expect(page.locator('.histogram')).toHaveCount(0);
  await expect(page.getByRole('row', { name: /^carrier / })).not.toContainText('DL');
});

for (const tab of ['data', 'columns', 'versions', 'access', 'api']) {
  test(`the tab ${tab} of a dataset draws`, async ({ page }) => {
    await signIn(page, 'analyst', '/datasets/ops/flights');
    const answer = await page.goto(`/datasets/ops/flights?tab=${tab}`);
    expect(answer!.status()).toBe(200);
    await expect(page.getByRole('navigation', { name: 'About this dataset' }).locator('[aria-current]')).toHaveText(new RegExp(tab, 'i'));
  });
}
