/** Figures as a technician reads them. A dash is "not known". */

import { shortAge } from '../shared/client/time'
import type { Catalogue } from '../shared/i18n/vi'

const UNKNOWN = '–'

export function milliseconds(seconds: number | null | undefined): string {
  return typeof seconds === 'number' ? `${Math.round(seconds * 1000)} ms` : UNKNOWN
}

export function percent(ratio: number | null | undefined, locale: string): string {
  if (typeof ratio !== 'number') return UNKNOWN
  const digits = ratio > 0 && ratio < 0.1 ? 1 : 0
  return new Intl.NumberFormat(locale, {
    style: 'percent',
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  }).format(ratio)
}

export function kilobits(bps: number | null | undefined, locale: string): string {
  if (typeof bps !== 'number') return UNKNOWN
  return `${new Intl.NumberFormat(locale).format(Math.round(bps / 1000))} kb/s`
}

/** `−31 dB` under the end of the scale. */
export function decibels(dbov: number | null | undefined): string {
  if (typeof dbov !== 'number') return UNKNOWN
  return `${dbov < 0 ? '−' : ''}${Math.abs(Math.round(dbov))} dB`
}

/** `4 giây trước`; `vừa xong` below a second and a half. */
export function age(seconds: number | null | undefined, texts: Catalogue): string {
  if (typeof seconds !== 'number') return texts.technician.never
  if (seconds < 1.5) return texts.technician.now
  return texts.technician.ago(shortAge(seconds, texts.common.units))
}
