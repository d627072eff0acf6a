import { defineStore } from 'pinia'
import { computed, ref, watch } from 'vue'

export const THEMES = ['system', 'light', 'dark'] as const
export type Theme = (typeof THEMES)[number]

export const FONT_SIZE = { min: 9, max: 24, default: 13 } as const

const KEY = 'pilothouse-settings'

interface Kept {
  readonly theme: Theme
  readonly terminalFontSize: number
  readonly isTerminalSpoken: boolean
}

/** What was kept, with anything unreadable or out of bounds replaced by its default. */
function readKept(): Kept {
  const kept: { theme?: unknown; terminalFontSize?: unknown; isTerminalSpoken?: unknown } = readJson(
    localStorage.getItem(KEY),
  )
  const theme = THEMES.find((each) => each === kept.theme) ?? 'system'
  const size = typeof kept.terminalFontSize === 'number' ? kept.terminalFontSize : FONT_SIZE.default
  return { theme, terminalFontSize: clampFontSize(size), isTerminalSpoken: kept.isTerminalSpoken === true }
}

function readJson(text: string | null): object {
  try {
    const value: unknown = JSON.parse(text ?? '{}')
    return typeof value === 'object' && value !== null ? value : {}
  } catch {
    return {}
  }
}

function clampFontSize(size: number): number {
  return Math.min(FONT_SIZE.max, Math.max(FONT_SIZE.min, Math.round(size)))
}

/** The few preferences of this window; kept by the browser, never sent anywhere. */
export const useSettingsStore = defineStore('settings', () => {
  const kept = readKept()
  const theme = ref<Theme>(kept.theme)
  const terminalFontSize = ref(kept.terminalFontSize)
  /** Makes terminals readable to screen readers; slower when much is printed. */
  const isTerminalSpoken = ref(kept.isTerminalSpoken)
  const systemDark = matchMedia('(prefers-color-scheme: dark)')
  const isSystemDark = ref(systemDark.matches)
  systemDark.addEventListener('change', (event) => (isSystemDark.value = event.matches))

  const isDark = computed(() => (theme.value === 'system' ? isSystemDark.value : theme.value === 'dark'))

  watch([theme, terminalFontSize, isTerminalSpoken], () => {
    const value: Kept = {
      theme: theme.value,
      terminalFontSize: terminalFontSize.value,
      isTerminalSpoken: isTerminalSpoken.value,
    }
    localStorage.setItem(KEY, JSON.stringify(value))
  })
  watch(
    isDark,
    (dark) => {
      document.documentElement.classList.toggle('dark', dark)
      document.documentElement.classList.toggle('light', !dark)
    },
    { immediate: true },
  )

  function setFontSize(size: number): void {
    terminalFontSize.value = clampFontSize(size)
  }

  return { theme, terminalFontSize, isTerminalSpoken, isDark, setFontSize }
})
