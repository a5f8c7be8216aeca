// A steward looks at the portal as somebody else: marked on every page, without changing anything, ended by one click.
import { expect, test } from '@playwright/test';
import { asPerson, cells, signIn, value } from '../support/people';

test('a steward sees what a partner sees, cannot change anything, and stops', async ({ page }) => {
  await signIn(page, 'steward', '/policy');
  await page.getByText('Or describe somebody').click();
  await page.getByLabel('Name, subject or e-mail').fill('kim');
  await page.getByLabel('Groups').fill('partners');
  await page.getByLabel('Claims').fill('carrier=DL');
  await page.getByRole('button', { name: 'Show' }).last().click();
  await page.getByRole('button', { name: 'View as kim' }).click();

  const banner = page.getByRole('status', { name: 'View as' });
  await expect(banner).toContainText('You see what kim sees');
  for (const path of ['/datasets', '/sql', '/account', '/audit', '/nothing', '/datasets/hr/us_employment']) {
    await page.goto(path);
    await expect(banner, path).toContainText('Nothing can be changed');
  }
  await page.goto('/datasets/ops/flights');
  expect(new Set(await cells(page, 'carrier'))).toEqual(new Set(['DL']));
  await expect(page.locator('.access-line')).toContainText("You see rows where carrier = 'DL'");
  await expect(page.locator('.access-line')).toContainText('tailnum is hashed');
  expect(await value(page, 'select count(*) from ops.flights')).toBe(48_110);

  const sent = await asPerson(page, '/account/tokens', {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: 'name=laptop&days=1&actions=read',
  });
  expect(sent.status).toBe(403);
  expect(await sent.text()).toContain('You see what kim sees, and nothing can be changed meanwhile');

  await banner.getByRole('button', { name: 'Stop' }).click();
  await expect(page).toHaveURL(/\/policy$/);
  await expect(banner).toHaveCount(0);
  await expect(page.locator('.page-head__title')).toHaveText('Who sees what');
});

test('the banner fits a phone and can be reached by keyboard', async ({ page }) => {
  await page.setViewportSize({ width: 360, height: 740 });
  await signIn(page, 'steward', '/policy?user=kim&groups=partners&claims=carrier%3DDL');
  await page.getByRole('button', { name: 'View as kim' }).click();
  await page.goto('/datasets/ops/flights');
  const stop = page.getByRole('button', { name: 'Stop' });
  await expect(stop).toBeInViewport({ ratio: 1 });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth);
  expect(wide).toBe(false);
  await page.mouse.wheel(0, 4000);
  await expect(stop).toBeInViewport({ ratio: 1 });
  await stop.focus();
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/policy$/);
});
