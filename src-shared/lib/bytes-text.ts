const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const

/** Bytes in binary units with at most one decimal, the same wherever they are told: `512 B`, `4.1 MiB`, `2 GiB`. */
export function bytesText(bytes: number): string {
  let value = bytes
  let unit = 0
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024
    unit += 1
  }
  const rounded = unit === 0 || Number.isInteger(value) ? String(value) : value.toFixed(1)
  return `${rounded} ${UNITS[unit] ?? 'B'}`
}
