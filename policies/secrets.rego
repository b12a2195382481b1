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

# names are the last words of keys whose value is a secret. The word "secret" alone is not among them: it is
# more often the name of a Secret.
names := `(?:^|_)(?:password|passwd|passphrase|api_?key|api_?token|access_?token|auth_?token|refresh_?token|bearer_?token|token|secret_?key|secret_?access_?key|client_?secret|private_?key|encryption_?key)$`

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
}

kind(key, value) := "what its name says is a secret" if {
	is_string(value)
	not any_shape(value)
	regex.match(names, snake(key))
	regex.match(`^\S{4,}$`, trim_space(value)) # one word: not a whole file, not a sentence
	not regex.match(references, trim_space(value))
	not regex.match(plain, trim_space(value))
}

any_shape(value) if {
	some pattern in shapes
	regex.match(pattern, value)
}

# snake brings dbPassword, db-password and db.password to one form: db_password.
snake(key) := lower(regex.replace(regex.replace(key, `[^A-Za-z0-9]+`, "_"), `([a-z0-9])([A-Z])`, "${1}_${2}"))
