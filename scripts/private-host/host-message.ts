import type { LoginTarget } from './private-host.ts'

/** What the host's program tells its parent, one JSON object a line. */
export type HostMessage =
  | { readonly kind: 'step'; readonly text: string }
  | { readonly kind: 'ready'; readonly target: LoginTarget; readonly fingerprint: string }
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'closed' }
