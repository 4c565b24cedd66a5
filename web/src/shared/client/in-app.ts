/** Browsers inside other apps: they open links, and then have no camera. */

/** The app, as people know it; `other` for one without a known name. */
export type InApp = 'Zalo' | 'Messenger' | 'Facebook' | 'Instagram' | 'TikTok' | 'LINE' | 'other'

const MARKS: readonly [RegExp, InApp][] = [
  [/\bZalo/i, 'Zalo'],
  [/\bMessenger|FBAN\/Messenger|FB_IAB\/(Orca|MESSENGER)/i, 'Messenger'],
  [/\bFBAN|\bFBAV|FB_IAB/, 'Facebook'],
  [/\bInstagram/, 'Instagram'],
  [/musical_ly|BytedanceWebview|TikTok/i, 'TikTok'],
  [/\bLine\//, 'LINE'],
  [/; wv\)|\bMicroMessenger|\bGSA\//, 'other'],
]

interface Browser {
  readonly userAgent: string
  /** Whether `getUserMedia` is there. */
  readonly camera: boolean
  /** Without https no browser has it, which is another matter. */
  readonly secure: boolean
}

/** The app whose browser this is; null for a browser that people open meetings in. */
export function inAppOf({ userAgent, camera, secure }: Browser): InApp | null {
  const found = MARKS.find(([mark]) => mark.test(userAgent))
  if (found !== undefined) return found[1]
  return secure && !camera ? 'other' : null
}

/** This page's browser. */
export function thisBrowser(): Browser {
  return {
    userAgent: navigator.userAgent,
    camera: typeof navigator.mediaDevices?.getUserMedia === 'function',
    secure: globalThis.isSecureContext,
  }
}
