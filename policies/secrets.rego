# METADATA
# title: What a secret looks like
# description: Shared by the rules about secrets in places that are no Secret. It names what was found, never the value.
package sluice.secrets

# shapes are values that are secrets whatever they are called.
shapes := {
	"a private key": `-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----`,
	"an AWS access key": `\b(?:AKIA|ASIA)[0-9A-Z]{16}\b`,
	"a GitHub token": `\b(?:gh[pousr]_[0-9A-Za-z]{36}|github_pat_[0-9A-Za-z_]{60})`,
	"a GitLab token": `\bglpat-[0-9A-Za-z_-]{20}`,
	"a Slack token": `\bxox[abpors]-[0-9A-Za-z-]{20}`,
	"a Google API key": `\bAIza[0-9A-Za-z_-]{35}`,
	"a Stripe key": `\b[rs]k_live_[0-9A-Za-z]{20}`,
	"a password in an address": `\b[a-z][a-z0-9+.-]*://[^\s/:@'"$<{]*:[^\s/:@'"$<{*]+@[^\s$<{]`,
}

any_shape := concat("|", [pattern | some pattern in shapes])

# names are the ends of keys whose value is a secret: dbPassword, DB_PASSWORD, db.password. The word "secret" alone is
# not among them: it is more often the name of a Secret.
names := `(?i)(?:password|passwd|passphrase|token|api[-_.]?key|secret[-_.]?(?:access[-_.]?)?key|client[-_.]?secret|(?:private|encryption)[-_.]?key)$`

# references are values that stand for something that is elsewhere or not yet known: variables, templates, paths,
# addresses, encrypted text, names of secret stores' entries.
references := `^(?:/|\./|[a-z][a-z0-9+.-]*://|arn:|vault:|secret:|file:|env:|projects/|ENC\[)|[$][({]|[{]{2}|^<.*>$|^[*xX.]+$`

# plain are values that are settings rather than secrets.
plain := `^(?i:true|false|yes|no|on|off|null|none|nil|disabled|enabled|required|optional|default|[0-9.]+(?:ms|s|m|h|d)?)$`

# kind says what kind of secret the value is; it is undefined where it is none.
kind(_, value) := [what |
	some what, pattern in shapes
	regex.match(pattern, value)
][0] if {
	is_string(value)
	regex.match(any_shape, value)
}

kind(key, value) := "what its name says is a secret" if {
	is_string(key)
	regex.match(names, key)
	is_string(value)
	not regex.match(any_shape, value)
	word := trim_space(value)
	regex.match(`^\S{4,}$`, word) # one word: not a whole file, not a sentence
	not regex.match(references, word)
	not regex.match(plain, word)
}
