/**
 * What the page may do. Scripts come from our own files only; styles may be set by script (terminal and components
 * do). `connections` is all that it may open: nothing in Electron, its own server in the web shell.
 */
export function contentPolicy(connections: "'none'" | "'self'"): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data:",
    "font-src 'self'",
    `connect-src ${connections}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
}

/** Headers for every answer that carries a part of the page. */
export function pageHeaders(connections: "'none'" | "'self'"): Record<string, string> {
  return {
    'content-security-policy': contentPolicy(connections),
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy': 'camera=(), microphone=(), geolocation=(), usb=(), serial=(), hid=()',
  }
}
