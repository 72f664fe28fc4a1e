/** Bytes as text that is safe in headers and URLs: base64url without padding (RFC 4648 §5), one text for one byte string. */

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const INVALID = 255;

const SEXTETS = new Uint8Array(128).fill(INVALID);
for (let i = 0; i < ALPHABET.length; i++) SEXTETS[ALPHABET.charCodeAt(i)] = i;

export function encodeBase64url(bytes: Uint8Array): string {
  let text = "";
  const whole = bytes.length - (bytes.length % 3);
  for (let i = 0; i < whole; i += 3) {
    const bits = ((bytes[i] as number) << 16) | ((bytes[i + 1] as number) << 8) | (bytes[i + 2] as number);
    text += letter(bits >> 18) + letter(bits >> 12) + letter(bits >> 6) + letter(bits);
  }
  const rest = bytes.length - whole;
  if (rest === 1) {
    const bits = (bytes[whole] as number) << 4;
    text += letter(bits >> 6) + letter(bits);
  } else if (rest === 2) {
    const bits = ((bytes[whole] as number) << 10) | ((bytes[whole + 1] as number) << 2);
    text += letter(bits >> 12) + letter(bits >> 6) + letter(bits);
  }
  return text;
}

function letter(bits: number): string {
  return ALPHABET[bits & 63] as string;
}

/** Undefined for anything that {@link encodeBase64url} does not write: padding, other letters, a stray letter, bits left over. */
export function decodeBase64url(text: string): Uint8Array | undefined {
  if (text.length % 4 === 1) return undefined;
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4));
  let bits = 0;
  let held = 0;
  let length = 0;
  for (let i = 0; i < text.length; i++) {
    const sextet = SEXTETS[text.charCodeAt(i)] ?? INVALID;
    if (sextet === INVALID) return undefined;
    bits = ((bits << 6) | sextet) & 0xfff;
    held += 6;
    if (held >= 8) {
      held -= 8;
      bytes[length++] = bits >> held;
    }
  }
  return (bits & ((1 << held) - 1)) === 0 ? bytes : undefined;
}
