/** Small parts that every page has. */

import type { ComponentChildren } from 'preact'
import { useEffect, useRef } from 'preact/hooks'
import type { Failure } from '../client/problem'
import type { Connection } from '../client/socket'
import { type Language, language, t } from '../i18n'
import type { MixFigures, Phase } from '../wire/types.gen'
import { Icon, type IconName } from './icon'
import brandIcon from './icon.svg'

export function Brand({ compact = false }: { compact?: boolean }) {
  return (
    <span class="brand">
      <img src={brandIcon} alt={compact ? t.value.common.product : ''} />
      {compact ? null : t.value.common.product}
    </span>
  )
}

const SHORT: Record<Language, string> = { vi: 'VI', en: 'EN' }

export function LanguageSwitch() {
  const labels = t.value.languages
  return (
    <fieldset class="segmented language" aria-label={labels.label}>
      {(['vi', 'en'] as const).map((code) => (
        <button
          type="button"
          key={code}
          lang={code}
          data-testid={`language-${code}`}
          title={labels[code]}
          aria-label={`${SHORT[code]} – ${labels[code]}`}
          aria-pressed={language.value === code}
          onClick={() => {
            language.value = code
          }}
        >
          {SHORT[code]}
        </button>
      ))}
    </fieldset>
  )
}

/** Plain players are without their mix: nobody else would notice. */
export function MixPill({ mixes }: { mixes: MixFigures | null }) {
  if (mixes === null || !mixes.missing) return null
  const texts = t.value.media
  return (
    <span
      class="pill"
      role="alert"
      data-testid="mix-short"
      data-tone="poor"
      title={texts.mixShortHint(mixes.wanted - mixes.flowing)}
    >
      <Icon name="volumeOff" />
      <span class="ellipsis">{texts.mixShort}</span>
    </span>
  )
}

export function PhasePill({ phase }: { phase: Phase }) {
  return (
    <span class="pill phase" data-testid="phase" data-phase={phase}>
      {phase === 'live' ? <Icon name="radio" /> : null}
      {t.value.phases[phase]}
    </span>
  )
}

const CONNECTION_ICONS: Record<Connection['kind'], IconName> = {
  connecting: 'loader',
  live: 'circleCheck',
  reconnecting: 'wifiOff',
  refused: 'octagonAlert',
  closed: 'unplug',
}

const CONNECTION_TONES: Record<Connection['kind'], string> = {
  connecting: 'connecting',
  live: 'good',
  reconnecting: 'lost',
  refused: 'lost',
  closed: 'offline',
}

/** Short while all is well, outspoken when not. */
export function ConnectionBadge({ connection, now }: { connection: Connection; now: number }) {
  const text = connectionText(connection, now)
  return (
    <span
      class={connection.kind === 'live' ? 'connection' : 'connection pill'}
      data-connection={connection.kind}
      data-tone={CONNECTION_TONES[connection.kind]}
      role="status"
      title={text}
    >
      <Icon name={CONNECTION_ICONS[connection.kind]} />
      <span class={connection.kind === 'live' ? 'visually-hidden' : 'ellipsis'}>{text}</span>
    </span>
  )
}

function connectionText(connection: Connection, now: number): string {
  const texts = t.value.connection
  if (connection.kind !== 'reconnecting') return texts[connection.kind]
  return texts.reconnecting(Math.max(0, Math.round(now - connection.since / 1000)))
}

interface DialogProps {
  readonly title: string
  readonly onClose: () => void
  readonly wide?: boolean
  readonly children: ComponentChildren
  readonly foot?: ComponentChildren
}

/** A native modal dialog; present means open. */
export function Dialog({ title, onClose, wide = false, children, foot }: DialogProps) {
  const ref = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    const dialog = ref.current
    if (dialog !== null && !dialog.open) dialog.showModal()
    return () => dialog?.close()
  }, [])
  return (
    <dialog
      ref={ref}
      class={wide ? 'dialog wide' : 'dialog'}
      aria-label={title}
      onCancel={(event) => {
        event.preventDefault()
        onClose()
      }}
    >
      <div class="dialog-head">
        <h2>{title}</h2>
        <button
          type="button"
          class="button quiet square"
          aria-label={t.value.common.close}
          onClick={onClose}
        >
          <Icon name="x" />
        </button>
      </div>
      <div class="dialog-body">{children}</div>
      {foot === undefined ? null : <div class="dialog-foot">{foot}</div>}
    </dialog>
  )
}

interface ConfirmProps {
  readonly title: string
  readonly confirm: string
  readonly tone: 'danger' | 'go' | 'primary'
  readonly onConfirm: () => void
  readonly onClose: () => void
  readonly children: ComponentChildren
}

export function ConfirmDialog(props: ConfirmProps) {
  const cancel = useRef<HTMLButtonElement>(null)
  useEffect(() => cancel.current?.focus(), [])
  return (
    <Dialog
      title={props.title}
      onClose={props.onClose}
      foot={
        <>
          <button type="button" class="button" ref={cancel} onClick={props.onClose}>
            {t.value.common.cancel}
          </button>
          <button
            type="button"
            class={`button ${props.tone}`}
            data-testid="confirm"
            onClick={props.onConfirm}
          >
            {props.confirm}
          </button>
        </>
      }
    >
      {props.children}
    </Dialog>
  )
}

interface CardPageProps {
  readonly title: string
  readonly children: ComponentChildren
  readonly testid?: string
}

/** A page with one thing to read and at most one thing to do. */
export function CardPage({ title, children, testid }: CardPageProps) {
  return (
    <div class="card-page">
      <header>
        <Brand />
        <span class="spacer" />
        <LanguageSwitch />
      </header>
      <main>
        <section class="card" data-testid={testid}>
          <h1>{title}</h1>
          {children}
        </section>
      </main>
    </div>
  )
}

export function ErrorText({ code }: { code: Failure }) {
  return (
    <p class="error" role="alert" data-error={code}>
      {t.value.errors[code]}
    </p>
  )
}

/** Sets the browser tab's title; in an effect so that it follows the language. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = title
  }, [title])
}
