import { expect, test } from 'vitest'
import { browserCommand } from '../../../../infra/hub-page/browser.js'

const url = 'http://127.0.0.1:8090/'
const desktop = { platform: 'linux', env: { DISPLAY: ':0' }, isTerminal: true }

test('a browser is opened where someone sits before a desktop, by the command of the platform', () => {
  expect(browserCommand(url, desktop)).toEqual({ command: 'xdg-open', args: [url] })
  expect(browserCommand(url, { ...desktop, env: { WAYLAND_DISPLAY: 'wayland-0' } })?.command).toBe('xdg-open')
  expect(browserCommand(url, { ...desktop, platform: 'darwin', env: {} })).toEqual({ command: 'open', args: [url] })
  expect(browserCommand(url, { ...desktop, platform: 'win32', env: {} })?.args.at(-1)).toBe(url)
})

test.each([
  ['in CI', { ...desktop, env: { DISPLAY: ':0', CI: 'true' } }],
  ['where the output is no terminal', { ...desktop, isTerminal: false }],
  ['without a desktop', { ...desktop, env: {} }],
  ['over SSH', { ...desktop, env: { DISPLAY: ':10', SSH_CONNECTION: '1 2 3 4' } }],
  ['with BROWSER=none', { ...desktop, env: { DISPLAY: ':0', BROWSER: 'none' } }],
])('none is opened %s', (_, where) => {
  expect(browserCommand(url, where)).toBeUndefined()
})
