/** The catalogue of the chosen language, as a signal that pages read. */

import { computed, effect, signal } from '@preact/signals'
import { en } from './en'
import { type Catalogue, vi } from './vi'

export type Language = 'vi' | 'en'

export const CATALOGUES: Record<Language, Catalogue> = { vi, en }

const STORED = 'diemcau.language'

function remembered(): Language {
  try {
    return localStorage.getItem(STORED) === 'en' ? 'en' : 'vi'
  } catch {
    return 'vi'
  }
}

export const language = signal<Language>(remembered())

/** All texts of the page's language: `t.value.common.close`. */
export const t = computed<Catalogue>(() => CATALOGUES[language.value])

effect(() => {
  document.documentElement.lang = language.value
  try {
    localStorage.setItem(STORED, language.value)
  } catch {
    // storage that is switched off costs only the memory of the choice
  }
})
