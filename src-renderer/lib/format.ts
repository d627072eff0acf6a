import { bytesText } from '../../src-shared/lib/bytes-text.ts'
/** Pure wording of times, ages and sizes. All arguments are milliseconds or bytes; times are on the console's clock. */

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** How long ago, in words that stay short: `now`, `2 s ago`, `12 min ago`, `3 h ago`, `5 d ago`. */
export function ageText(ms: number): string {
  if (ms < SECOND) return 'now'
  return `${spanText(ms)} ago`
}

/** A length of time in its largest unit: `2 s`, `12 min`, `3 h`, `5 d`. Negative counts as zero. */
export function spanText(ms: number): string {
  if (ms < MINUTE) return `${Math.max(0, Math.floor(ms / SECOND))} s`
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min`
  if (ms < DAY) return `${Math.floor(ms / HOUR)} h`
  return `${Math.floor(ms / DAY)} d`
}

/** The same in its two largest units, where the rest matters: `2 d 23 h`, `1 h 15 min`. */
export function fineSpanText(ms: number): string {
  if (ms < HOUR) return spanText(ms)
  const isDays = ms >= DAY
  const rest = isDays ? Math.floor((ms % DAY) / HOUR) : Math.floor((ms % HOUR) / MINUTE)
  return rest === 0 ? spanText(ms) : `${spanText(ms)} ${rest} ${isDays ? 'h' : 'min'}`
}

/** A stopwatch: `0:07`, `12:40`, `1:02:03`. Negative counts as zero. */
export function elapsedText(ms: number): string {
  const total = Math.max(0, Math.floor(ms / SECOND))
  const seconds = String(total % 60).padStart(2, '0')
  const minutes = Math.floor(total / 60) % 60
  const hours = Math.floor(total / 3600)
  if (hours === 0) return `${minutes}:${seconds}`
  return `${hours}:${String(minutes).padStart(2, '0')}:${seconds}`
}

/** How long something took: `840 ms`, `4.2 s`, `3:05`. */
export function durationText(ms: number): string {
  if (ms < SECOND) return `${Math.max(0, Math.round(ms))} ms`
  if (ms < MINUTE) return `${(ms / SECOND).toFixed(1)} s`
  return elapsedText(ms)
}

export { bytesText }

/** MiB as the contract counts them: `512 MiB`, `4 GiB`, `1.5 GiB`. */
export function mebibytesText(mebibytes: number): string {
  return bytesText(mebibytes * 1024 * 1024)
}

/** A whole number with thin groups: `10,412`. */
export function countText(count: number): string {
  return count.toLocaleString('en-GB')
}

/** `1 host`, `2 hosts`. */
export function plural(count: number, noun: string, many = `${noun}s`): string {
  return `${countText(count)} ${count === 1 ? noun : many}`
}

/** How many rows of a list are shown: `12 hosts`, or `3 of 12 shown`. */
export function shownText(shown: number, total: number, noun: string): string {
  return shown === total ? plural(total, noun) : `${countText(shown)} of ${countText(total)} shown`
}

const CLOCK = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' })
const SHORT_CLOCK = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' })
const DAY_AND_CLOCK = new Intl.DateTimeFormat('en-GB', {
  day: 'numeric',
  month: 'short',
  hour: '2-digit',
  minute: '2-digit',
})
const EXACT = new Intl.DateTimeFormat('en-GB', {
  weekday: 'short',
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
  timeZoneName: 'shortOffset',
})

const DAY_AND_ZONE = new Intl.DateTimeFormat('en-GB', {
  weekday: 'short',
  day: 'numeric',
  month: 'short',
  year: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
  timeZoneName: 'shortOffset',
})

/** Local time of day, to the second. */
export function clockText(at: number): string {
  return CLOCK.format(at)
}

/** The full local time with its zone, for a hover. */
export function exactText(at: number): string {
  return EXACT.format(at).replace('GMT', 'UTC')
}

/** Day and time to the minute, local, with the zone: where what is read may be acted on much later. */
export function dayText(at: number): string {
  return DAY_AND_ZONE.format(at).replace('GMT', 'UTC')
}

/** A moment as briefly as it stays clear: the time today, else day and time. */
export function momentText(at: number, now: number): string {
  const isToday = new Date(at).toDateString() === new Date(now).toDateString()
  return (isToday ? SHORT_CLOCK : DAY_AND_CLOCK).format(at)
}

/** The zone as an offset: `UTC+1`. */
export function zoneText(at: number): string {
  const parts = new Intl.DateTimeFormat('en-GB', { timeZoneName: 'shortOffset' }).formatToParts(at)
  const zone = parts.find((part) => part.type === 'timeZoneName')?.value ?? 'UTC'
  return zone.replace('GMT', 'UTC')
}
