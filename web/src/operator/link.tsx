/** One site's link: its row in the table, and what opens from it. */

import { linkPath, type Rest } from '../shared/client/rest'
import { t } from '../shared/i18n'
import { HardwareDialog } from '../shared/ui/hardware'
import { Icon, type IconName } from '../shared/ui/icon'
import { ConfirmDialog, Dialog } from '../shared/ui/parts'
import type { ConferenceId, SiteLink } from '../shared/wire/types.gen'

export type Change = 'rotate' | 'revoke'
type What = 'qr' | 'hardware' | Change

export interface Opened {
  readonly what: What
  readonly link: SiteLink
}

const ICONS: Record<What, IconName> = {
  qr: 'qrCode',
  hardware: 'router',
  rotate: 'refresh',
  revoke: 'ban',
}

interface RowProps {
  readonly link: SiteLink
  readonly copied: boolean
  readonly onCopy: () => void
  readonly onOpen: (what: What) => void
}

export function LinkRow({ link, copied, onCopy, onOpen }: RowProps) {
  const texts = t.value.links
  const labels: Record<What, string> = {
    qr: texts.qrOf(link.name),
    hardware: texts.devicesOf(link.name),
    rotate: texts.rotateOf(link.name),
    revoke: texts.revokeOf(link.name),
  }
  return (
    <tr data-link={link.site}>
      <td>{link.site}</td>
      <th scope="row">{link.name}</th>
      <td>
        {link.revoked ? (
          texts.revoked
        ) : (
          <a href={link.url} target="_blank" rel="noopener noreferrer">
            {link.url}
          </a>
        )}
      </td>
      <td class="code" data-testid="typed-code">
        {link.code}
      </td>
      <td class="link-buttons">
        <button
          type="button"
          class="button small"
          disabled={link.revoked}
          aria-label={texts.copySite(link.name)}
          onClick={onCopy}
        >
          <Icon name={copied ? 'check' : 'copy'} />
          {copied ? texts.copied : texts.copy}
        </button>
        {(['qr', 'hardware', 'rotate', 'revoke'] as const).map((what) => (
          <button
            type="button"
            key={what}
            class="button small square"
            data-testid={what}
            aria-label={labels[what]}
            title={labels[what]}
            // what was withdrawn can only be given anew
            disabled={link.revoked && what !== 'rotate'}
            onClick={() => onOpen(what)}
          >
            <Icon name={ICONS[what]} />
          </button>
        ))}
      </td>
    </tr>
  )
}

interface OpenedProps {
  readonly rest: Rest
  readonly conference: ConferenceId
  readonly opened: Opened
  readonly onChange: (what: Change, link: SiteLink) => void
  readonly onClose: () => void
}

export function OpenedDialog({ rest, conference, opened, onChange, onClose }: OpenedProps) {
  const { what, link } = opened
  if (what === 'qr') return <QrDialog conference={conference} link={link} onClose={onClose} />
  if (what === 'hardware') {
    const { site, name } = link
    return <HardwareDialog {...{ rest, conference, site, name, onClose }} />
  }
  const texts = t.value.links[what]
  return (
    <ConfirmDialog
      title={texts.title(link.name)}
      confirm={texts.confirm}
      tone="danger"
      onClose={onClose}
      onConfirm={() => onChange(what, link)}
    >
      <p>{texts.body}</p>
    </ConfirmDialog>
  )
}

interface QrProps {
  readonly conference: ConferenceId
  readonly link: SiteLink
  readonly onClose: () => void
}

/** Large enough for a telephone across the table. */
function QrDialog({ conference, link, onClose }: QrProps) {
  const texts = t.value.links
  const src = `${linkPath(conference, link.site)}/qr.svg`
  return (
    <Dialog title={`${link.site} ${link.name}`} onClose={onClose}>
      <div class="qr" data-testid="qr-view">
        <img src={src} alt={texts.qrOf(link.name)} width="320" height="320" />
        <p>{texts.qrHint}</p>
        <p class="code">{link.code}</p>
      </div>
    </Dialog>
  )
}
