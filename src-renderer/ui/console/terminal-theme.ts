import type { ISearchDecorationOptions } from '@xterm/addon-search'
import type { ITheme } from '@xterm/xterm'

const DARK: ITheme = {
  background: '#090c11',
  foreground: '#d5dce4',
  cursor: '#4ec3d8',
  cursorAccent: '#090c11',
  selectionBackground: '#1f4a57',
  scrollbarSliderBackground: '#8f9bab2e',
  scrollbarSliderHoverBackground: '#8f9bab59',
  scrollbarSliderActiveBackground: '#8f9bab80',
  black: '#1c232c',
  red: '#ef7670',
  green: '#4cc38a',
  yellow: '#dda647',
  blue: '#74a9f7',
  magenta: '#c58af9',
  cyan: '#4ec3d8',
  white: '#c4ccd6',
  brightBlack: '#7c8898',
  brightRed: '#ff9a94',
  brightGreen: '#7ee2b0',
  brightYellow: '#f3c876',
  brightBlue: '#a3c7ff',
  brightMagenta: '#dcb3ff',
  brightCyan: '#8be0ee',
  brightWhite: '#f4f7fa',
}

const LIGHT: ITheme = {
  background: '#fbfcfd',
  foreground: '#1f2933',
  cursor: '#0b7288',
  cursorAccent: '#fbfcfd',
  selectionBackground: '#b9e1e9',
  scrollbarSliderBackground: '#58647224',
  scrollbarSliderHoverBackground: '#58647247',
  scrollbarSliderActiveBackground: '#58647266',
  black: '#1f2933',
  red: '#bf2f2a',
  green: '#0f7a4b',
  yellow: '#8a5a00',
  blue: '#1e5fcc',
  magenta: '#8638b5',
  cyan: '#0b7288',
  white: '#6b7684',
  brightBlack: '#586472',
  brightRed: '#d5453f',
  brightGreen: '#148a57',
  brightYellow: '#9c6a0a',
  brightBlue: '#2f6fe0',
  brightMagenta: '#9a4cc9',
  brightCyan: '#0f8aa3',
  brightWhite: '#3d4854',
}

/** How matches of a search look; the text on them stays readable in both themes. */
export function matchLook(isDark: boolean): ISearchDecorationOptions {
  return isDark
    ? {
        matchBackground: '#4a3a12',
        matchOverviewRuler: '#dda647',
        activeMatchBackground: '#8a5f0c',
        activeMatchColorOverviewRuler: '#ffc457',
      }
    : {
        matchBackground: '#ffe9b8',
        matchOverviewRuler: '#c98a13',
        activeMatchBackground: '#ffc95c',
        activeMatchColorOverviewRuler: '#8a5a00',
      }
}

export function terminalTheme(isDark: boolean): ITheme {
  return isDark ? DARK : LIGHT
}
