import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { listen } from './server.js'
import { apply, nothingYet, type State } from './state.js'

/** What the server has told so far. */
export function useHub(): State {
  const [state, setState] = useState(nothingYet)
  useEffect(() => {
    listen(
      (update) => setState((before) => apply(before, update, Date.now())),
      () => setState((before) => ({ ...before, link: 'lost' })),
    )
  }, [])
  return state
}

export type Theme = 'system' | 'light' | 'dark'
const themes: readonly Theme[] = ['system', 'light', 'dark']
const themeItem = 'sluice-hub-page-theme'

/** The chosen theme, kept for the next visit, and whether that means dark now. */
export function useTheme(): { readonly theme: Theme; readonly isDark: boolean; setTheme(theme: Theme): void } {
  const [theme, setTheme] = useState<Theme>(storedTheme)
  const isSystemDark = useMedia('(prefers-color-scheme: dark)')
  const isDark = theme === 'dark' || (theme === 'system' && isSystemDark)
  useLayoutEffect(() => {
    document.documentElement.style.colorScheme = theme === 'system' ? 'light dark' : theme
    try {
      localStorage.setItem(themeItem, theme)
    } catch {
      // Storage may be forbidden; the choice then lasts as long as the page.
    }
  }, [theme])
  return { theme, isDark, setTheme }
}

function storedTheme(): Theme {
  try {
    return themes.find((one) => one === localStorage.getItem(themeItem)) ?? 'system'
  } catch {
    return 'system'
  }
}

export function useMedia(query: string): boolean {
  const [matches, setMatches] = useState(() => matchMedia(query).matches)
  useEffect(() => {
    const list = matchMedia(query)
    const onChange = (): void => setMatches(list.matches)
    list.addEventListener('change', onChange)
    return () => list.removeEventListener('change', onChange)
  }, [query])
  return matches
}

/** An element's width in CSS pixels, as it changes. */
export function useWidth<E extends Element>(): [ref: { current: E | null }, width: number] {
  const ref = useRef<E>(null)
  const [width, setWidth] = useState(0)
  useLayoutEffect(() => {
    const element = ref.current
    if (element === null) return
    const observer = new ResizeObserver(([entry]) => setWidth(Math.floor(entry?.contentRect.width ?? 0)))
    observer.observe(element)
    return () => observer.disconnect()
  }, [])
  return [ref, width]
}

/** Does something that may fail, and says so: the message of the last failure, undefined when there is none. */
export function useAction(): [failure: string | undefined, act: (action: () => Promise<unknown>) => void] {
  const [failure, setFailure] = useState<string>()
  const act = (action: () => Promise<unknown>): void => {
    setFailure(undefined)
    action().catch((error: unknown) => setFailure(error instanceof Error ? error.message : String(error)))
  }
  return [failure, act]
}
