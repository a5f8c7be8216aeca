// Signing in through the hosted page of the strict provider (providers/oidc.mjs).
import { expect, type Page } from '@playwright/test';
import { OIDC } from './addresses';

export async function hosted(page: Page, name: string, path = '/') {
  await page.goto(OIDC + path);
  await expect(page).toHaveURL(/\/sign-in/);
  await page.getByRole('link', { name: 'Sign in with Example Airways' }).click();
  await expect(page.getByRole('heading', { name: 'Sign in to Example Airways' })).toBeVisible();
  await page.getByLabel('User name').fill(name);
  await page.getByLabel('Password').fill('password');
  await page.getByRole('button', { name: 'Sign in' }).click();
}
