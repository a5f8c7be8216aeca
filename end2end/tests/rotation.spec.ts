// The provider signs with a new key. Runs after all others: until it is fetched, nobody can sign in.
import { expect, test } from '@playwright/test';
import { OIDC, OIDC_PROVIDER } from '../support/addresses';
import { hosted } from '../support/hosted';

// An unknown key is looked for once in this time, so that made-up keys do not become requests to the provider.
const COOL_DOWN_MS = 30_000;

test('a key that the provider began to use since is fetched', async ({ page }) => {
  test.setTimeout(90_000);
  await new Promise((later) => setTimeout(later, COOL_DOWN_MS + 1_000));
  await fetch(`${OIDC_PROVIDER}/test/rotate`, { method: 'POST' });
  await hosted(page, 'analyst', '/');
  await expect(page).toHaveURL(`${OIDC}/`);
  await expect(page.locator('.bar__account-name')).toContainText('analyst');
});
