/** Times as people read them. */

const CONFERENCE_ZONE = 'Asia/Ho_Chi_Minh'

/** `08:00:05`. */
export function clockTime(unixS: number, locale: string): string {
  return new Intl.DateTimeFormat(locale, {
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    hourCycle: 'h23',
    timeZone: CONFERENCE_ZONE,
  }).format(unixS * 1000)
}

/** `08:00`. */
export function shortTime(unixS: number, locale: string): string {
  return new Intl.DateTimeFormat(locale, {
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    timeZone: CONFERENCE_ZONE,
  }).format(unixS * 1000)
}

/** `Thứ Sáu, 29 tháng 5, 2020`. */
export function longDate(unixS: number, locale: string): string {
  const text = new Intl.DateTimeFormat(locale, {
    weekday: 'long',
    day: 'numeric',
    month: 'long',
    year: 'numeric',
    timeZone: CONFERENCE_ZONE,
  }).format(unixS * 1000)
  return text.charAt(0).toUpperCase() + text.slice(1)
}

/** `1:02:03`, for how long something lasts. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds))
  const pad = (n: number): string => String(n).padStart(2, '0')
  return `${Math.floor(whole / 3600)}:${pad(Math.floor(whole / 60) % 60)}:${pad(whole % 60)}`
}

/** `2:05`, for a speech that is going on. */
export function runningTime(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds))
  if (whole >= 3600) return duration(whole)
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`
}

/** `4 s`, `12 ph`… short enough for a table; units by the page's language. */
export function shortAge(seconds: number, units: { s: string; min: string; h: string }): string {
  const whole = Math.max(0, Math.round(seconds))
  if (whole < 60) return `${whole} ${units.s}`
  if (whole < 3600) return `${Math.floor(whole / 60)} ${units.min}`
  return `${Math.floor(whole / 3600)} ${units.h} ${Math.floor(whole / 60) % 60} ${units.min}`
}
