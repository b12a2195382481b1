package github

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"strings"
	"time"
)

// App is a GitHub App that is installed on the repository.
type App struct {
	ID         string // its number, or its client id
	PrivateKey string // PEM, as GitHub hands it out
}

// jwt is what an App shows to say who it is.
// Source: docs.github.com "Generating a JSON Web Token (JWT) for a GitHub App".
func (a App) jwt(key *rsa.PrivateKey, now time.Time) (string, error) {
	claims, err := json.Marshal(map[string]any{
		"iat": now.Add(-time.Minute).Unix(), // clocks differ a little
		"exp": now.Add(9 * time.Minute).Unix(),
		"iss": a.ID,
	})
	if err != nil {
		return "", err
	}
	encode := base64.RawURLEncoding.EncodeToString
	text := encode([]byte(`{"alg":"RS256","typ":"JWT"}`)) + "." + encode(claims)
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		return "", fmt.Errorf("sign for GitHub App %s: %w", a.ID, err)
	}
	return text + "." + encode(signature), nil
}

// key reads the private key. No error says what the key is.
func (a App) key() (*rsa.PrivateKey, error) {
	// Some put it into a secret as one line.
	block, _ := pem.Decode([]byte(strings.ReplaceAll(a.PrivateKey, `\n`, "\n")))
	if block == nil {
		return nil, errors.New("the private key of the GitHub App is not in PEM form: paste the whole file that GitHub gave")
	}
	if key, err := x509.ParsePKCS1PrivateKey(block.Bytes); err == nil {
		return key, nil
	}
	parsed, _ := x509.ParsePKCS8PrivateKey(block.Bytes)
	if key, isRSA := parsed.(*rsa.PrivateKey); isRSA {
		return key, nil
	}
	return nil, errors.New("the private key of the GitHub App is not an RSA key")
}
