import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { type Browser, chromium, type Page } from 'playwright-core'
import { type HubWithPage, startHubWithPage } from '../../infra/hub-page/index.js'
import type { LocalHubOptions } from '../../infra/local-hub/index.js'
import { folder } from './build.js'

const artifacts = fileURLToPath(new URL('../../test-artifacts/', import.meta.url))

/** Chromium without a network of its own: nothing here may ask anyone but the hub. */
export async function launch(): Promise<Browser> {
  const paths = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
  const executablePath = process.env.CHROMIUM_PATH || paths.find((path) => existsSync(path))
  if (executablePath === undefined)
    throw new Error('There is no Chromium. Run test/page/install.sh, or set CHROMIUM_PATH.')
  return chromium.launch({
    executablePath,
    args: [
      ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
      ...['--disable-component-update', '--disable-sync', '--disable-dev-shm-usage'],
    ],
  })
}

export function startHub(options: LocalHubOptions = {}): Promise<HubWithPage> {
  return startHubWithPage(options, {
    assets: new URL('static/', folder),
    producerModule: new URL('producer-process.js', folder),
  })
}

/** Shown in docs/local-hub.md. */
export async function docsImage(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: fileURLToPath(new URL(`../../docs/images/${name}.png`, import.meta.url)) })
}

/** Kept after the tests, for people. */
export async function screenshot(page: Page, name: string, fullPage = false): Promise<void> {
  await mkdir(artifacts, { recursive: true })
  await page.screenshot({ path: `${artifacts}page-${name}.png`, fullPage })
}
