// A picture of every page, light and dark, wide and phone, into artefacts/screenshots; no page may scroll sideways.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test, type Page } from '@playwright/test';
import { PAGES } from '../support/pages';
import { sendFile, signIn } from '../support/people';

const folder = join(fileURLToPath(new URL('.', import.meta.url)), '../artefacts/screenshots');
const sizes = { wide: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } };

async function picture(page: Page, name: string) {
  for (const [size, viewport] of Object.entries(sizes)) {
    await page.setViewportSize(viewport);
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await page.screenshot({ path: join(folder, `${name}-${size}-${colorScheme}.png`) });
    }
    const sideways = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    expect(sideways, `${name} scrolls sideways on ${size}`).toBeLessThanOrEqual(0);
  }
}

for (const { name, path, person } of PAGES) {
  test(name, async ({ page }) => {
    if (person) await signIn(page, person);
    await page.goto(path, { waitUntil: 'networkidle' });
    await picture(page, name);
  });
}

test('arrival', async ({ page }) => {
  await signIn(page, 'steward', '/arrivals?unit=sales&dataset=orders');
  await page.getByRole('link', { name: /orders-2026-10\.csv/ }).first().click();
  await expect(page.locator('.arrival')).toBeVisible();
  await picture(page, 'arrival');
});

test('arrival-waiting', async ({ page }) => {
  await signIn(page, 'owner-ops', '/');
  await sendFile(page, 'ops', 'pictured', 'gates.csv', 'id,gate,fee\n1,A1,1.5\n2,A2,2.5\n');
  const id = await sendFile(page, 'ops', 'pictured', 'gates-december.csv', 'id,gate,floor,opened\nG3,A3,1,2026-12-01\n4,A4,2,2026-12-02\n');
  await page.goto(`/arrivals/${id}`);
  await expect(page.locator('.difference__schemas')).toBeVisible();
  await picture(page, 'arrival-waiting');
  await page.screenshot({ path: join(folder, 'arrival-waiting-whole.png'), fullPage: true });
  await page.goto('/');
  await expect(page.locator('.waits')).toBeVisible();
  await picture(page, 'home-waiting');
});

test('dataset-versions-owner', async ({ page }) => {
  await signIn(page, 'owner-ops', '/');
  await sendFile(page, 'ops', 'pictured_twice', 'gates.csv', 'id,gate\n1,A1\n2,A2\n');
  await sendFile(page, 'ops', 'pictured_twice', 'gates-december.csv', 'id,gate\n3,A3\n');
  await page.goto('/datasets/ops/pictured_twice?tab=versions');
  await page.locator('.versions summary').click();
  await picture(page, 'dataset-versions-owner');
});

test('send-waiting', async ({ page }) => {
  await signIn(page, 'owner-ops', '/');
  await sendFile(page, 'ops', 'pictured_next', 'gates.csv', 'id,gate,fee\n1,A1,1.5\n2,A2,2.5\n');
  await page.goto('/send?dataset=ops.pictured_next');
  const text = 'id,gate,floor,opened\nG3,A3,1,2026-12-01\n4,A4,2,2026-12-02\n';
  await page.locator('#upload-file').setInputFiles([{ name: 'gates-december.csv', mimeType: 'text/csv', buffer: Buffer.from(text) }]);
  await expect(page.locator('.difference__schemas')).toBeVisible();
  await picture(page, 'send-waiting');
  await page.screenshot({ path: join(folder, 'send-waiting-whole.png'), fullPage: true });
});

test('send-looked', async ({ page }) => {
  await signIn(page, 'owner-ops', '/send?dataset=ops.gates');
  const lines = ['Gate;Opened;Fee;Code', 'A1;25.11.2026;1.234,50;007', 'B2;03.04.2026;99,00;012', 'C3;12.12.2026;0,99;113;x'];
  const more = Array.from({ length: 20 }, (_, n) => `D${n};13.12.2026;${n},25;${n}`);
  const buffer = Buffer.from([...lines, ...more, ''].join('\r\n'));
  await page.locator('#upload-file').setInputFiles([{ name: 'gates-november.csv', mimeType: 'text/csv', buffer }]);
  await expect(page.locator('.inspection')).toBeVisible();
  await picture(page, 'send-looked');
  // On the phone, too, each type and its reason can be read to the end.
  const cut = await page.locator('.inspection__columns td').evaluateAll((cells) => cells.filter((c) => c.scrollWidth > c.clientWidth).length);
  expect(cut).toBe(0);
  await page.screenshot({ path: join(folder, 'send-looked-whole.png'), fullPage: true });
});
