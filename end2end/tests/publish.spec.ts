// A steward changes the policy: adds a grant, sees who gains, publishes, finds it in the history and goes back.
import { expect, test, type Page } from '@playwright/test';
import { signIn } from '../support/people';

/** Others publish beside us, and whoever was slower begins again; nothing is lost by that, which is the point. */
const again = { intervals: [200, 500, 1000], timeout: 35_000 };

async function publish(page: Page, note: string) {
  await page.getByRole('button', { name: 'Review' }).click();
  await expect(page.getByRole('heading', { name: 'Who gains and who loses' })).toBeVisible();
  await page.getByLabel('Note', { exact: true }).first().fill(note);
  await page.getByRole('button', { name: 'Publish this policy' }).click();
  await expect(page.locator('.banner--good')).toContainText('is the policy now', { timeout: 3_000 });
}

test('a steward adds a grant, reviews it, publishes it and goes back', async ({ page }, info) => {
  const who = `new-${info.project.name}`;
  await signIn(page, 'steward', '/policy');
  await page.getByRole('navigation', { name: 'Policy' }).getByRole('link', { name: 'Edit' }).click();
  await expect(page).toHaveURL(/\/policy\/edit$/);

  await expect(async () => {
    await page.goto('/policy/edit');
    await page.locator('summary', { hasText: 'Add a grant' }).click();
    await page.getByLabel('To', { exact: true }).fill(`user:${who}`);
    await page.getByLabel('On', { exact: true }).fill('ref.airlines');
    await page.getByLabel('Rows', { exact: true }).fill("carrier = 'UA'");
    await page.getByRole('button', { name: 'Add it to the text' }).click();
    await expect(page.locator('.banner--good')).toContainText('A grant was added to the text');
    await page.getByRole('button', { name: 'Review' }).click();
    const gains = page.locator('.review__effect tr', { hasText: `the user ${who}` });
    await expect(gains).toContainText('gains');
    await expect(gains).toContainText('0 → 1');
    await publish(page, `for ${who}`);
  }).toPass(again);
  await expect(page.locator('.policy-history tbody')).toContainText(`for ${who}`);

  await page.locator('.policy-history tr', { hasText: `for ${who}` }).getByRole('link', { name: /^Version/ }).first().click();
  await expect(page.locator('.lines__line--new', { hasText: `user:${who}` })).toBeVisible();

  await expect(async () => {
    await page.goto('/policy/edit');
    // Somebody else who went back took it away as well.
    if (!(await page.locator('#policy-text').inputValue()).includes(who)) return;
    await page.goto('/policy/edit?version=1');
    await expect(page.locator('.banner--good')).toContainText('This is the text of version 1');
    await publish(page, `without ${who}`);
  }).toPass(again);
});

test('a policy that cannot be read is not published, and one with doubts needs them accepted', async ({ page }) => {
  await signIn(page, 'steward', '/policy/edit');
  const area = page.locator('#policy-text');
  const text = await area.inputValue();
  await area.fill('stewards = 1');
  await page.getByRole('button', { name: 'Review' }).click();
  await expect(page.locator('.review')).toContainText('Line 1, column 12');
  await expect(page.getByRole('button', { name: 'Publish this policy' })).toHaveCount(0);

  await page.locator('#policy-text').fill(text.replace('group:stewards', 'group:nobody'));
  await page.getByRole('button', { name: 'Review' }).click();
  await expect(page.getByLabel(/You would be no steward any more/)).not.toBeChecked();
  await page.getByRole('button', { name: 'Publish this policy' }).click();
  await expect(page, 'the tick is required').toHaveURL(/\/policy\/edit$/);
  await expect(page.getByRole('button', { name: 'Publish this policy' })).toBeVisible();
});
