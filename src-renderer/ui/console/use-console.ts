import { onBeforeUnmount, onMounted, reactive, shallowRef, watch, type Ref, type ShallowRef } from 'vue'
import type { HostId, BootId, EnvironmentId } from '../../../src-shared/model/ids.ts'
import { useApi } from '../../api.ts'
import { useSettingsStore } from '../../stores/settings.ts'
import { ConsoleSession, FREE_LEASE, type ConsoleState } from './console-session.ts'
import { hasRealGpu } from './gpu.ts'
import type { DropKind } from './output-guard.ts'
import { TerminalScreen, type TerminalLook } from './terminal-screen.ts'

/** Typed bytes kept while the keyboard is being asked for; more is not taken. */
const MOST_EARLY_BYTES = 4096

export interface ConsoleUse {
  readonly state: ShallowRef<ConsoleState>
  readonly drops: Record<DropKind, number>
  readonly found: { index: number; count: number }
  readonly flags: { hasSelection: boolean; isAtEnd: boolean; isLeaving: boolean }
  readonly link: ShallowRef<string | null>
  screen(): TerminalScreen | undefined
  session(): ConsoleSession | undefined
  /** Asks for the keyboard and puts the focus into the terminal. */
  startTyping(takeOver: boolean): void
  openBoot(bootId?: BootId): void
}

export interface ConsoleUseOptions {
  readonly element: Readonly<Ref<HTMLElement | null>>
  readonly hostId: HostId
  readonly environmentId: EnvironmentId
  /** Why this person may not type; null when they may. */
  typingBlock(): string | null
  onLeave(): void
}

const EMPTY: ConsoleState = {
  link: { kind: 'connecting' },
  boot: null,
  nextBoot: null,
  lease: FREE_LEASE,
  drawnOffset: 0,
  isPaused: false,
  refusal: null,
}

let knownGpu: boolean | undefined

/** A console on screen: one session and one terminal, made when mounted and disposed of when unmounted. */
export function useConsole(options: ConsoleUseOptions): ConsoleUse {
  const api = useApi()
  const settings = useSettingsStore()
  const state = shallowRef(EMPTY)
  const drops = reactive<Record<DropKind, number>>({ reply: 0, clipboard: 0, title: 0, link: 0, report: 0 })
  const found = reactive({ index: -1, count: 0 })
  const flags = reactive({ hasSelection: false, isAtEnd: true, isLeaving: false })
  const link = shallowRef<string | null>(null)
  let screen: TerminalScreen | undefined
  let session: ConsoleSession | undefined
  let early: Uint8Array[] = []
  let isDrawing = false
  let latest = EMPTY

  /** At most once a frame: a flood changes the offset thousands of times a second. */
  function publish(next: ConsoleState): void {
    const isUrgent = next.link !== latest.link || next.lease !== latest.lease || next.boot !== latest.boot
    latest = next
    if (isUrgent) return present()
    if (isDrawing) return
    isDrawing = true
    requestAnimationFrame(present)
  }

  function present(): void {
    isDrawing = false
    if (latest.lease.isMine !== state.value.lease.isMine) screen?.setTyping(latest.lease.isMine)
    state.value = latest
    if (latest.lease.isMine) for (const bytes of early.splice(0)) session?.type(bytes)
  }

  function typed(bytes: Uint8Array): void {
    if (session === undefined || session.type(bytes)) return
    const { lease, link: where } = session.snapshot
    if (options.typingBlock() !== null || lease.holder !== null || where.kind !== 'live') return
    if (early.reduce((sum, each) => sum + each.byteLength, 0) > MOST_EARLY_BYTES) return
    early.push(bytes)
    if (early.length === 1) session.claimTyping(false)
  }

  function handleKey(event: KeyboardEvent): boolean {
    const isLeave = event.ctrlKey && event.shiftKey && event.code === 'KeyL'
    if (isLeave && event.type === 'keydown') {
      event.preventDefault()
      options.onLeave()
    }
    const isOurs = event.ctrlKey && event.shiftKey && ['KeyC', 'KeyF', 'KeyK', 'KeyL'].includes(event.code)
    if (isOurs) return false
    const isTyping = session?.snapshot.lease.isMine === true
    if (!isTyping && (event.key === 'Tab' || event.key === 'Escape')) return false
    return isTyping || !(event.ctrlKey || event.metaKey)
  }

  const look = (): TerminalLook => ({
    isDark: settings.isDark,
    fontSize: settings.terminalFontSize,
    isForScreenReader: settings.isTerminalSpoken,
    hasGpu: (knownGpu ??= hasRealGpu()),
  })

  function makeScreen(element: HTMLElement): TerminalScreen {
    return new TerminalScreen(element, look(), {
      onTyped: typed,
      onSelection: (hasSelection) => (flags.hasSelection = hasSelection),
      onFollow: (isAtEnd) => (flags.isAtEnd = isAtEnd),
      onDrop: (kind) => (drops[kind] += 1),
      onMatches: (index, count) => Object.assign(found, { index, count }),
      onLink: (address) => (link.value = address),
      onKey: handleKey,
    })
  }

  onMounted(() => {
    if (options.element.value === null) return
    screen = makeScreen(options.element.value)
    session = new ConsoleSession({
      environmentId: options.environmentId,
      sink: screen,
      open: (target) => api.openConsole(options.hostId, target),
      onChange: publish,
    })
    session.open()
  })
  onBeforeUnmount(() => {
    session?.dispose()
    screen?.dispose()
  })
  watch([() => settings.isDark, () => settings.terminalFontSize, () => settings.isTerminalSpoken], () =>
    screen?.setLook(look()),
  )

  return {
    state,
    drops,
    found,
    flags,
    link,
    screen: () => screen,
    session: () => session,
    startTyping(takeOver) {
      early = []
      if (session?.snapshot.lease.isMine !== true) session?.claimTyping(takeOver)
      screen?.focus()
    },
    openBoot(bootId) {
      screen?.clear()
      session?.open(bootId)
    },
  }
}
