import { seededFractions } from './statistics.ts'

const WORDS =
  'starting mounted device ready warning retry connection closed eth0 sda1 kernel service timeout ok failed reading writing cache'.split(
    ' ',
  )

/** Console output as guests write it: numbered lines of words, some of them coloured, the same every time. */
export function journalPayload(bytes: number, lastLine: string): Buffer {
  const fraction = seededFractions(1)
  const lines: string[] = []
  let size = 0
  for (let index = 0; size < bytes; index += 1) {
    const words = Array.from(
      { length: 6 + Math.floor(fraction() * 8) },
      () => WORDS[Math.floor(fraction() * WORDS.length)],
    )
    const text = `[${(index / 1000).toFixed(6).padStart(12)}] ${words.join(' ')}`
    const line = fraction() < 0.2 ? `\u001b[1;3${1 + (index % 6)}m${text}\u001b[0m\r\n` : `${text}\r\n`
    lines.push(line)
    size += line.length
  }
  return Buffer.from(`${lines.join('')}${lastLine}\r\n`)
}
