import { BrowserWindow, nativeTheme, screen, type Rectangle, type Session } from 'electron'
import { z } from 'zod'
import type { Settings } from '../../store/settings.ts'
import { isDebugged } from './debugged.ts'
import { PAGE_ORIGIN } from './page.ts'

const placeSchema = z.object({
  bounds: z.object({ x: z.int(), y: z.int(), width: z.int().min(600), height: z.int().min(400) }),
  isMaximized: z.boolean(),
})
const PLACE = 'window'
const FIRST_SIZE = { width: 1280, height: 820 }

/** A place on a display that is no longer there would hide the window. */
function isVisible({ x, y, width, height }: Rectangle): boolean {
  const { workArea } = screen.getDisplayMatching({ x, y, width, height })
  return (
    x < workArea.x + workArea.width &&
    x + width > workArea.x &&
    y < workArea.y + workArea.height &&
    y >= workArea.y - 50
  )
}

function remember(window: BrowserWindow, settings: Settings): void {
  const save = (): void => settings.set(PLACE, { bounds: window.getNormalBounds(), isMaximized: window.isMaximized() })
  window.on('resized', save)
  window.on('moved', save)
  window.on('close', save)
}

export interface WindowOptions {
  readonly session: Session
  readonly settings: Settings
  readonly preload: string
  /** The screen to begin with, such as `/environments`. */
  readonly route: string
  /** The page could not be shown. */
  readonly onFailure: (error: unknown) => void
}

export function addressOf(route: string): string {
  return `${PAGE_ORIGIN}/index.html#${route}`
}

/** The window, where it was when it was last closed. */
export function openWindow({ session, settings, preload, route, onFailure }: WindowOptions): BrowserWindow {
  const place = settings.get(PLACE, placeSchema)
  const bounds = place !== undefined && isVisible(place.bounds) ? place.bounds : FIRST_SIZE
  const window = new BrowserWindow({
    ...bounds,
    minWidth: 800,
    minHeight: 500,
    show: false,
    title: 'Pilothouse',
    autoHideMenuBar: true,
    backgroundColor: nativeTheme.shouldUseDarkColors ? '#0f172a' : '#ffffff',
    webPreferences: {
      session,
      preload,
      sandbox: true,
      contextIsolation: true,
      nodeIntegration: false,
      nodeIntegrationInWorker: false,
      nodeIntegrationInSubFrames: false,
      webSecurity: true,
      webviewTag: false,
      navigateOnDragDrop: false,
      spellcheck: false,
      devTools: isDebugged(),
    },
  })
  if (place?.isMaximized === true) window.maximize()
  remember(window, settings)
  window.once('ready-to-show', () => window.show())
  window.loadURL(addressOf(route)).catch(onFailure)
  return window
}
