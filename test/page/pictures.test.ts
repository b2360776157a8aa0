import { expect, test } from 'vitest'
import { docsImage, launch, screenshot, startHub } from './browser.js'

// `DOCS_IMAGES=1 npm run test:page`: renews the images of docs/local-hub.md, from a minute of faults.

test('pictures for the manual', async () => {
  const browser = await launch()
  const hub = await startHub({ amqpPort: 5672, httpPort: 8090 })
  try {
    const context = await browser.newContext({ viewport: { width: 1360, height: 1090 }, colorScheme: 'light' })
    const page = await context.newPage()
    await page.goto(hub.url)
    const pause = (ms: number): Promise<void> => page.waitForTimeout(ms)
    const press = (name: string): Promise<void> => page.getByRole('button', { name, exact: true }).click()
    await page.getByRole('switch', { name: 'Steady stream' }).click()
    await pause(19_000)
    await page.getByLabel('Added latency (ms)').fill('150')
    await page.keyboard.press('Tab')
    await pause(4000)
    await press('All off')
    await pause(3000)
    await press('Force-close connections')
    await pause(3000)
    await press('Freeze')
    await pause(6000)
    await press('Thaw')
    await pause(5000)
    await page.evaluate('scrollTo(0, 0)')
    await docsImage(page, 'local-hub-light')

    await page.getByLabel('Theme').selectOption('dark')
    await page.getByTestId('events').getByRole('button').first().click()
    await page.getByRole('dialog').getByTestId('body').waitFor()
    await docsImage(page, 'local-hub-detail-dark')
    await page.keyboard.press('Escape')

    await page.setViewportSize({ width: 360, height: 780 })
    await page.evaluate('scrollTo(0, 0)')
    await docsImage(page, 'local-hub-narrow')
    // Not for the manual: to look at.
    for (const width of [900, 1360]) {
      await page.setViewportSize({ width, height: 1000 })
      await page.mouse.move(0, 0)
      await pause(500)
      await screenshot(page, `whole-${width}`, true)
    }
    expect(hub.hub.events('events').length).toBeGreaterThan(700)
  } finally {
    await hub.close()
    await browser.close()
  }
}, 90_000)
