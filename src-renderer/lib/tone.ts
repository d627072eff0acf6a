/** What a colour means; never the only sign, always beside an icon and a word. */
export type Tone = 'ok' | 'busy' | 'warn' | 'bad' | 'idle'

export const TONE_CLASS: Record<Tone, string> = {
  ok: 'text-ok',
  busy: 'text-busy',
  warn: 'text-warn',
  bad: 'text-bad',
  idle: 'text-idle',
}

/** A state as it is shown: icon, word, colour, and the facts behind it. */
export interface Shown {
  readonly word: string
  readonly tone: Tone
  /** A lucide icon name. */
  readonly icon: string
  /** A few words more, or empty. */
  readonly note: string
  /** One whole sentence, for a hover and for screen readers. */
  readonly sentence: string
}
