import type { OperationProgress } from '../../src-shared/model/operation.ts'
import { bytesText, countText } from './format.ts'

/** `1.2 GiB of 4 GiB · 300 of 9,000 files · 45 MiB/s`; empty where nothing is told. */
export function progressText(progress: OperationProgress | null): string {
  if (progress === null) return ''
  const { doneBytes, totalBytes, doneFiles, totalFiles, bytesPerSecond } = progress
  const bytes = totalBytes === null ? bytesText(doneBytes) : `${bytesText(doneBytes)} of ${bytesText(totalBytes)}`
  const files = doneFiles === null ? '' : `${ofTotal(doneFiles, totalFiles)} files`
  const rate = bytesPerSecond === null ? '' : `${bytesText(bytesPerSecond)}/s`
  return [bytes, files, rate].filter((part) => part !== '').join(' · ')
}

function ofTotal(done: number, total: number | null): string {
  return total === null ? countText(done) : `${countText(done)} of ${countText(total)}`
}

/** 0 to 100, never 100 before the end; null while the whole is not known. */
export function progressPercent(progress: OperationProgress | null): number | null {
  if (progress?.totalBytes === null || progress === null || progress.totalBytes === 0) return null
  return Math.min(99, Math.floor((progress.doneBytes / progress.totalBytes) * 100))
}
