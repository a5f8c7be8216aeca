// Every flow runs twice, with JavaScript and without it: reading, asking and taking along are links and forms first.
import { defineConfig, devices } from '@playwright/test';
import { DEMO } from './support/addresses';

const desktop = { ...devices['Desktop Chrome'], viewport: { width: 1280, height: 800 } };

export default defineConfig({
  testDir: 'tests',
  outputDir: 'artefacts/results',
  globalSetup: './support/services.ts',
  reporter: [['list']],
  workers: 2,
  fullyParallel: true,
  forbidOnly: !!process.env.CI,
  timeout: 45_000,
  expect: { timeout: 10_000 },
  use: {
    ...desktop,
    baseURL: DEMO,
    locale: 'en-GB',
    timezoneId: 'UTC',
    trace: 'retain-on-failure',
    launchOptions: {
      executablePath: process.env.END2END_CHROMIUM,
      // Root in a container has no user namespaces for Chromium's sandbox; the pages are our own.
      args: process.getuid?.() === 0 ? ['--no-sandbox'] : [],
    },
  },
  projects: [
    { name: 'scripted', testIgnore: /screenshots|rotation/, use: { javaScriptEnabled: true } },
    { name: 'plain', testIgnore: /screenshots|islands|budget|rotation/, use: { javaScriptEnabled: false } },
    { name: 'screenshots', testMatch: /screenshots/ },
    { name: 'rotation', testMatch: /rotation/, dependencies: ['scripted', 'plain'] },
  ],
});
