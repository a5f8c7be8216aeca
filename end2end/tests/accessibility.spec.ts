// Every page passes axe's checks of WCAG 2.1 A and AA, in both themes.
import { test } from '@playwright/test';
import { expectAccessible } from '../support/axe';
import { PAGES } from '../support/pages';
import { signIn } from '../support/people';

for (const colorScheme of ['light', 'dark'] as const) {
  for (const { name, path, person } of PAGES) {
    test(`${name} in ${colorScheme}`, async ({ page, javaScriptEnabled }) => {
      test.skip(javaScriptEnabled === false, 'axe itself needs JavaScript');
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      if (person) await signIn(page, person);
      await page.goto(path, { waitUntil: 'networkidle' });
      await expectAccessible(page);
    });
  }
}
