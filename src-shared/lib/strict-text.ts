import { z } from 'zod'

/**
 * Characters that must never reach a screen, a log line or an argv unseen: C0/C1 controls, Unicode's own line ends, and
 * the bidirectional overrides and isolates that make text read differently from what it is.
 */
// eslint-disable-next-line no-control-regex -- the control characters are what is being refused
const DECEPTIVE = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\u061c\ufeff]/u

/** One line of human text, trimmed by the sender, free of control and bidirectional characters. */
export function plainText(maxLength: number): z.ZodString {
  return z
    .string()
    .max(maxLength, `must be at most ${maxLength} characters`)
    .refine((text) => !DECEPTIVE.test(text), 'must not contain control or bidirectional characters')
}

/** A string held to `grammar`; the message says what the grammar allows, never echoes the value. */
export function strictText(grammar: RegExp, says: string): z.ZodString {
  return z.string().max(256, says).regex(grammar, says)
}
