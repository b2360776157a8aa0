import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { HubWithPage } from '../../infra/hub-page/index.js'
import { launch, screenshot, startHub } from './browser.js'

let browser: Browser
let hub: HubWithPage
let context: BrowserContext
let page: Page
/** Whatever the page complained about, or asked of anyone but the hub. */
let complaints: string[]
/** Has to find room on any screen. */
const longName = 'orders-of-every-branch-in-every-country-this-year'

beforeAll(async () => {
  browser = await launch()
})
afterAll(() => browser?.close())

beforeEach(async () => {
  hub = await startHub({ eventHubs: { events: { partitionCount: 4 }, [longName]: { partitionCount: 2 } } })
  context = await browser.newContext({ viewport: { width: 1440, height: 1000 }, colorScheme: 'light' })
  page = await context.newPage()
  complaints = []
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('console', (message) => {
    if (message.type() === 'error') complaints.push(message.text())
  })
  page.on('request', (request) => {
    if (!request.url().startsWith(hub.url)) complaints.push(`asked for ${request.url()}`)
  })
  await page.goto(hub.url)
  await page.getByText('live', { exact: true }).waitFor()
})
afterEach(async () => {
  await context.close()
  await hub.close()
  expect(complaints).toEqual([])
})

const shown = async (name: string): Promise<number> => (await account(name))[0] ?? Number.NaN

async function until(what: string, isTrue: () => Promise<boolean>): Promise<void> {
  await expect.poll(isTrue, { message: what, timeout: 20_000, interval: 50 }).toBe(true)
}

/** What it is called, by its label or its text. */
async function nameOfFocused(): Promise<string> {
  const name: unknown = await page.evaluate(`(() => {
    const focused = document.activeElement
    const label = document.getElementById(focused.getAttribute('aria-labelledby') ?? '')
    return (label ?? focused).textContent
  })()`)
  return String(name)
}

async function startStream(): Promise<void> {
  await page.getByRole('switch', { name: 'Steady stream' }).click()
  await until('the stream is accepted', async () => (await shown('accepted')) > 10)
}

/** Every number that the stream has made so far lies in the hub, by the hub's own account. */
function storedNumbers(): Set<unknown> {
  return new Set(hub.hub.events('events').map(({ applicationProperties }) => applicationProperties['hub-page-number']))
}

/** Several numbers of the page, all of one moment. */
async function account(...names: string[]): Promise<number[]> {
  const read = `${JSON.stringify(names)}.map((name) =>
    Number(document.querySelector('[data-testid="' + name + '"]').textContent.replaceAll(',', '')))`
  return (await page.evaluate(read)) as number[]
}

async function stopStreamAndCompare(): Promise<void> {
  const stream = page.getByRole('switch', { name: 'Steady stream' })
  await stream.click()
  // Only then has the source made its last event.
  await until('the stream is off', async () => (await stream.getAttribute('aria-checked')) === 'false')
  await until('nothing waits', async () => (await account('waiting', 'under-way')).every((count) => count === 0))
  const stored = storedNumbers()
  const created = Math.max(...[...stored].map(Number)) + 1
  expect(stored.size).toBe(created)
  expect(await account('stored', 'lost')).toEqual([created, 0])
  const [taken, ...ends] = await account('taken', 'accepted', 'refused', 'unknown', 'returned')
  expect(ends.reduce((sum, one) => sum + one, 0)).toBe(taken)
}

describe('the page in a browser', () => {
  test('sends an event, shows it arrive in its lane, and opens it with all that belongs to it', async () => {
    await page.getByLabel('Body', { exact: true }).fill('{"order": 1, "text": "<img src=x onerror=alert(1)>"}')
    await page.getByLabel('Key', { exact: true }).fill('customer-7')
    await page.getByRole('button', { name: 'Add property' }).click()
    await page.getByLabel('Name of the property').fill('kind')
    await page.getByLabel('Value of the property').fill('order')
    await page.getByLabel('How many').fill('3')
    await page.getByRole('button', { name: 'Send', exact: true }).click()
    await page.getByText('3 events accepted').waitFor()

    const [event] = hub.hub.events('events')
    expect(event?.partitionKey).toBe('customer-7')
    const lane = page.locator(`[data-partition="${event?.partitionId}"]`)
    expect(await lane.getAttribute('data-events')).toBe('3')
    expect(await lane.textContent()).toContain('first: key customer-7')

    await page.getByTestId('events').getByRole('button').first().click()
    const detail = page.getByRole('dialog')
    await detail.getByText('"order": 1').waitFor()
    for (const text of ['customer-7', 'application/json', 'kind', 'sequence number']) {
      expect(await detail.textContent()).toContain(text)
    }
    await detail.getByRole('button', { name: 'Hex' }).click()
    expect(await detail.getByTestId('body').textContent()).toContain('7b 22 6f 72 64 65 72 22')
    await detail.getByRole('button', { name: 'Next' }).click()
    await detail.getByText('Event #1').waitFor()
    await screenshot(page, 'detail')
    await page.keyboard.press('Escape')
    await detail.waitFor({ state: 'detached' })
  })

  test('copies the connection string, and says where it is instead when the browser does not allow that', async () => {
    await context.grantPermissions(['clipboard-read', 'clipboard-write'])
    await page.getByRole('button', { name: 'Copy connection string' }).click()
    await page.getByRole('button', { name: 'Copied' }).waitFor()
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(hub.hub.connectionStringFor('events'))
    // As where the page came from another machine's address, without TLS.
    await page.evaluate("Object.defineProperty(navigator, 'clipboard', { value: undefined })")
    await page.getByRole('button', { name: /Copied|Copy/ }).click()
    await page.getByRole('button', { name: 'Not allowed: see the terminal' }).waitFor()
  })

  test('shows a hostile body, key and property as the text that they are', async () => {
    const hostile = '</pre><script>document.title="owned"</script><img src=x onerror="document.title=\'owned\'">'
    await page.getByText('Text', { exact: true }).first().click()
    await page.getByLabel('Body', { exact: true }).fill(hostile)
    await page.getByLabel('Key', { exact: true }).fill(hostile)
    await page.getByRole('button', { name: 'Add property' }).click()
    await page.getByLabel('Name of the property').fill(hostile)
    await page.getByLabel('Value of the property').fill(hostile)
    await page.getByRole('button', { name: 'Send', exact: true }).click()
    await page.getByText('1 event accepted').waitFor()
    await page.getByTestId('events').getByRole('button').first().click()
    const body = page.getByRole('dialog').getByTestId('body')
    await body.getByText('owned').waitFor()
    expect(await body.textContent()).toBe(hostile)
    expect(await page.locator('main img, dialog img, main script, dialog script').count()).toBe(0)
    expect(await page.title()).toBe('Local hub · Sluice')
  })

  test('a peer that falls silent: the stream goes on once it is back, and nothing is lost', async () => {
    await startStream()
    await page.getByRole('switch', { name: 'Silence' }).click()
    await until('the client gives up on it', async () =>
      ((await page.getByTestId('timeline').textContent()) ?? '').includes('no sign of life'),
    )
    await until('events wait', async () => {
      const [waiting = 0, underWay = 0] = await account('waiting', 'under-way')
      return waiting + underWay > 10
    })
    await screenshot(page, 'silence')
    await page.getByRole('switch', { name: 'Silence' }).click()
    const before = await shown('accepted')
    await until('events are accepted again', async () => (await shown('accepted')) > before + 20)
    await stopStreamAndCompare()
  })

  test('frozen with a connection that dies meanwhile: a second after the thaw everything is accepted', async () => {
    await startStream()
    await page.getByRole('button', { name: 'Freeze', exact: true }).click()
    await page.getByText(/frozen for \d+ s/).waitFor()
    const accepted = await shown('accepted')
    await until('events wait for the thaw', async () => (await shown('waiting')) > 20)
    // Stopped for real: nothing of it moves.
    expect(await shown('accepted')).toBe(accepted)
    await screenshot(page, 'frozen')
    await page.getByRole('button', { name: 'Thaw' }).click()
    await until('what waited is accepted', async () => (await shown('accepted')) > accepted + 20)
    expect(await page.getByTestId('timeline').textContent()).toMatch(/gave no sign of life|ended:/)
    await stopStreamAndCompare()
  })

  test('throttled, closed by force, robbed of acknowledgements: the account says how each event ended', async () => {
    await startStream()
    await page.getByRole('button', { name: 'Force-close connections' }).click()
    await page.getByLabel('Acknowledgements to lose').fill('1')
    await page.getByRole('button', { name: 'Lose them' }).click()
    await page.getByText('and never says so').waitFor()
    await until('a batch is taken and not answered', async () => (await shown('under-way')) > 0)
    await page.getByRole('switch', { name: 'Throttle' }).click()
    await until(
      'sends end as refused, and as unknown',
      async () => (await shown('refused')) > 0 && (await shown('unknown')) > 0,
    )
    await page.getByRole('button', { name: 'All off' }).click()
    const throttle = page.getByRole('switch', { name: 'Throttle' })
    await until('the switch is off', async () => (await throttle.getAttribute('aria-checked')) === 'false')
    await until('the copy arrives', async () =>
      /[1-9]\d* again as a copy/.test((await page.getByLabel('The producer’s account').textContent()) ?? ''),
    )
    await stopStreamAndCompare()
  })

  test('a hub that is stopped and started again is noticed, and what it forgot is gone from the page', async () => {
    await page.getByRole('button', { name: 'Send', exact: true }).click()
    await page.getByText('1 event accepted').waitFor()
    const { amqpPort, httpPort } = hub.hub
    await hub.close()
    await page.getByText('the hub does not answer').waitFor()
    hub = await startHub({ amqpPort, httpPort })
    await page.getByText('live', { exact: true }).waitFor()
    await until('the lanes are empty', async () => (await page.locator('[data-events="0"]').count()) === 4)
    expect(await page.getByTestId('events').count()).toBe(0)
    await page.getByRole('button', { name: 'Send', exact: true }).click()
    await until('it arrives', async () => (await page.getByTestId('events').getByRole('button').count()) === 1)
    // The browser complains of each time that it found nobody.
    complaints = complaints.filter((complaint) => !/net::ERR_/.test(complaint))
  })

  test('tabs that nobody looks at leave the browser’s connections to the one that is, and catch up when they are', async () => {
    // Six at once are all that a browser opens to one host.
    const others = await Promise.all(Array.from({ length: 6 }, () => context.newPage()))
    const look = (tab: Page, state: 'visible' | 'hidden'): Promise<unknown> =>
      tab.evaluate(`Object.defineProperty(document, 'visibilityState', { value: '${state}', configurable: true })
        document.dispatchEvent(new Event('visibilitychange'))`)
    for (const tab of others) {
      await tab.clock.install()
      await tab.goto(hub.url)
      await tab.getByText('live', { exact: true }).waitFor()
      await look(tab, 'hidden')
      await tab.clock.fastForward(11_000)
    }
    await page.getByRole('button', { name: 'Send', exact: true }).click()
    await page.getByText('1 event accepted').waitFor()
    const [first] = others
    if (first === undefined) throw new Error('There is no other tab.')
    expect(await first.getByTestId('events').getByRole('button').count()).toBe(0)
    await look(first, 'visible')
    await first.getByTestId('events').getByRole('button').first().waitFor()
  })

  test('by keyboard alone: start the stream, open an event, look at its bytes, close it, and be back at its row', async () => {
    const focusOn = async (name: RegExp): Promise<void> => {
      for (let i = 0; i < 100; i++) {
        await page.keyboard.press('Tab')
        if (name.test(await nameOfFocused())) return
      }
      throw new Error(`Tab never reaches ${name}`)
    }
    await focusOn(/Skip to the controls/)
    await page.keyboard.press('Enter')
    await focusOn(/Steady stream/)
    expect(await page.evaluate('getComputedStyle(document.activeElement).outlineStyle')).toBe('solid')
    await page.keyboard.press('Space')
    await until('the stream is accepted', async () => (await shown('accepted')) > 5)
    await focusOn(/meter-\d+.*reading/)
    await page.keyboard.press('ArrowDown')
    const row = await nameOfFocused()
    await page.keyboard.press('Enter')
    const detail = page.getByRole('dialog')
    await detail.getByText('"reading"').waitFor()
    await focusOn(/^Hex$/)
    await page.keyboard.press('Enter')
    expect(await detail.getByTestId('body').textContent()).toMatch(/^000000 {2}/)
    await page.keyboard.press('Escape')
    await detail.waitFor({ state: 'detached' })
    expect(await nameOfFocused()).toBe(row)
  })

  test('fits a screen of 360 pixels, in light and dark, with motion and without', async () => {
    await startStream()
    await page.getByRole('button', { name: 'Force-close connections' }).click()
    await page.getByLabel('Added latency (ms)').fill('200')
    await page.keyboard.press('Tab')
    await page.getByText('Each answer takes 200 ms longer.').waitFor()
    await page.getByRole('button', { name: 'All off' }).click()
    await page.getByText('Latency off.').waitFor()
    await screenshot(page, 'light')
    await page.getByLabel('Theme').selectOption('dark')
    expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe('rgb(17, 21, 24)')
    await screenshot(page, 'dark')
    await page.getByLabel('Theme').selectOption('system')
    expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe('rgb(245, 246, 247)')
    await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' })
    expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe('rgb(17, 21, 24)')
    await page.setViewportSize({ width: 360, height: 800 })
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360)
    await page.getByTestId('events').getByRole('button').first().click()
    await page.getByRole('dialog').getByTestId('body').waitFor()
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(360)
    await page.keyboard.press('Escape')
    await page.evaluate('scrollTo(0, 0)')
    await screenshot(page, 'narrow')
    // Nothing hidden makes the document longer than what can be seen of it.
    const hidden =
      'document.documentElement.scrollHeight - document.querySelector("main").getBoundingClientRect().bottom - scrollY'
    expect(Number(await page.evaluate(hidden))).toBeLessThan(2)
  })
})
