// A steward asks what somebody sees, and why.
import { expect, test } from '@playwright/test';
import { signIn } from '../support/people';

test('a steward sees what a partner sees, and because of which grant', async ({ page }) => {
  await signIn(page, 'partner-ua', '/datasets/ops/flights');
  await page.context().clearCookies();
  await signIn(page, 'steward', '/');
  await page.getByRole('link', { name: 'Policy' }).first().click();
  await page.getByLabel('Somebody who has signed in').selectOption({ label: 'partner-ua' });
  await page.getByRole('button', { name: 'Show' }).first().click();
  await expect(page.locator('.page-head__title')).toHaveText('What partner-ua sees');
  await page.getByRole('link', { name: 'ops.flights' }).click();
  await expect(page.locator('.figure__words')).toContainText('of 336,776 rows');
  await expect(page.locator('tr', { hasText: 'tailnum' })).toContainText('hashed');
  await expect(page.locator('.grants__item', { hasText: 'applies' }).filter({ hasText: "claim('carrier')" })).toBeVisible();
  await expect(page.locator('.grants')).toContainText('it is for others');
});

test('a steward describes somebody who never signed in', async ({ page }) => {
  await signIn(page, 'steward', '/policy');
  await page.getByText('Or describe somebody').click();
  await page.getByLabel('Groups').fill('partners');
  await page.getByLabel('Claims').fill('carrier=DL');
  await page.getByRole('button', { name: 'Show' }).last().click();
  await expect(page.locator('tr', { hasText: 'ops.flights' })).toContainText("carrier = 'DL'");
});
