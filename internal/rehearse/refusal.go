package rehearse

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sluice-dev/sluice/internal/finding"
)

// pattern is a regular expression that is compiled when it is first used: most runs rehearse nothing.
func pattern(text string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
}

// judgement is what the API server's answer to one object means.
type judgement struct {
	findings finding.List
	leftOut  string // why it says nothing about the object
	mute     bool   // the object was not judged, though it should have been; the findings say why
}

// answer explains an API server's answer to a piece. updating says that the server has the object already. An error means that
// the server answers nothing any more.
func answer(err error, p piece, updating, live bool) (judgement, error) {
	var status apierrors.APIStatus
	switch {
	case err == nil:
		return judgement{}, nil
	case errors.Is(err, errSlow):
		return judgement{mute: true, findings: finding.List{p.finding(RuleTimeout, "", err.Error()+", so that this object was not judged")}}, nil
	case !errors.As(err, &status):
		return judgement{}, err
	}
	s := status.Status()
	switch {
	case s.Reason == metav1.StatusReasonTimeout, s.Reason == metav1.StatusReasonServerTimeout:
		return judgement{mute: true, findings: finding.List{p.finding(RuleTimeout, "", "the API server took too long with this object: "+s.Message)}}, nil
	case s.Reason == metav1.StatusReasonUnauthorized, s.Reason == metav1.StatusReasonTooManyRequests, s.Code == 503:
		return judgement{}, err
	case live && s.Reason == metav1.StatusReasonForbidden && mayNot().MatchString(s.Message):
		message := "the user of the kubeconfig may not try this in the cluster: " + s.Message
		return judgement{mute: true, findings: finding.List{p.finding(RuleUnavailable, "", message)}}, nil
	case s.Reason == metav1.StatusReasonConflict:
		return judgement{findings: conflicts(s, p)}, nil
	}
	if p.is("", "Pod") && elsewhere().MatchString(s.Message) {
		return judgement{leftOut: whyElsewhere}, nil
	}
	if live && s.Reason == metav1.StatusReasonNotFound && noNamespace().MatchString(s.Message) {
		return judgement{leftOut: whyNamespace}, nil
	}
	if live && s.Reason == metav1.StatusReasonBadRequest && noDryRun().MatchString(s.Message) {
		return judgement{leftOut: whyNoDryRun}, nil
	}
	return judgement{findings: refusals(s, p, updating)}, nil
}

var (
	// noDryRun is how the API server refuses what a webhook with side effects would have to judge (k8s.io/apiserver, admission/plugin/webhook).
	noDryRun = pattern(`does not support dry run`)
	// mayNot is how authorization refuses, as against admission (k8s.io/apiserver, handlers/responsewriters: forbiddenMessage).
	mayNot      = pattern(`User ".*" cannot [a-z]+ resource|^Forbidden`)
	noNamespace = pattern(`^namespaces? ".*" not found`)
	// elsewhere is how admission refuses pods for want of objects that controllers or other targets make.
	elsewhere = pattern(`error looking up service account|no PriorityClass with name|RuntimeClass "[^"]*" not found`)
)

// about makes a finding of an object.
func (p piece) finding(rule, path, message string) finding.Finding {
	return finding.Finding{
		Rule: rule, Severity: finding.Error, Message: shorten(message), Object: p.object.ID.String(), Path: path,
		Pos: finding.Pos{File: p.object.Origin.File},
	}
}

// maxMessage bounds what is repeated of the API server's words, in bytes: it quotes whole values.
const maxMessage = 500

func shorten(message string) string {
	if len(message) <= maxMessage {
		return message
	}
	cut := maxMessage
	for !utf8.RuneStart(message[cut]) {
		cut--
	}
	return message[:cut] + "…"
}

// unchangeable are the words for what is valid and yet refused in place of what is there (k8s.io/kubernetes, pkg/apis/*/validation).
var unchangeable = pattern(`(?i)immutable|may not (be )?change|cannot be changed|can ?not change|updates to .* are forbidden|` +
	`may not change fields|can not be (less|decremented)|may not be (unset|removed|updated)|oldSelf`)

// refusesObject begins what is said of an object that the API server does not take.
const refusesObject = "the API server refuses this object: "

// refusals makes findings of a refusal: one for each field that it names.
func refusals(s metav1.Status, p piece, updating bool) finding.List {
	var out finding.List
	add := func(field, message string) {
		rule, what := RuleRefused, refusesObject
		if updating && unchangeable().MatchString(message) {
			rule, what = RuleImmutable, "the API server refuses this change of an object that is already there: "
		}
		out = append(out, p.finding(rule, fieldPath(p.value, field), what+message))
	}
	if s.Details != nil && s.Reason == metav1.StatusReasonInvalid {
		for _, cause := range s.Details.Causes {
			field := cause.Field
			if field == "<nil>" {
				field = ""
			}
			message := p.discreet(string(cause.Type), withoutValue(cause.Message))
			if field != "" {
				message = field + ": " + message
			}
			add(field, message)
		}
	}
	if out == nil {
		for _, m := range fieldErrors(s.Message) {
			add(m.field, p.discreet(string(s.Reason), m.message))
		}
	}
	slices.SortStableFunc(out, finding.Compare)
	return slices.CompactFunc(out, func(a, b finding.Finding) bool { return finding.Compare(a, b) == 0 })
}

// withoutValue leaves a structure out of "Invalid value: {…}: field is immutable": it is long, and holds what the server made up.
func withoutValue(message string) string {
	value, ok := strings.CutPrefix(message, "Invalid value: ")
	if !ok || !strings.HasPrefix(value, "{") && !strings.HasPrefix(value, "[") {
		return message
	}
	for _, end := range []string{"}: ", "]: "} {
		if i := strings.LastIndex(value, end); i >= 0 {
			return value[i+len(end):]
		}
	}
	return message
}

// discreet leaves out of a message about a Secret what may be its value.
func (p piece) discreet(reason, message string) string {
	if !p.is("", "Secret") {
		return message
	}
	if unchangeable().MatchString(message) {
		return "it cannot be changed once it is there"
	}
	return cmp.Or(reason, "it is not valid") + " (what the API server says of a Secret is not repeated)"
}

// fieldError is one mistake that a message of the API server speaks of.
type fieldError struct{ field, message string }

var (
	unknownField = pattern(`(unknown|duplicate) field "([^"]+)"`)
	// typedField is how server-side apply says what does not fit the schema (sigs.k8s.io/structured-merge-diff, typed).
	typedField = pattern(`(?m)(?:^|: )(\.[A-Za-z][^\s:]*(?:\[[^\]]*\][^\s:]*)*): (.+)$`)
)

// fieldErrors takes a message that names fields apart.
func fieldErrors(message string) []fieldError {
	var out []fieldError
	for _, m := range unknownField().FindAllStringSubmatch(message, -1) {
		out = append(out, fieldError{m[2], m[0]})
	}
	if out == nil {
		for _, m := range typedField().FindAllStringSubmatch(message, -1) {
			out = append(out, fieldError{m[1], strings.TrimPrefix(m[1], ".") + ": " + m[2]})
		}
	}
	if out == nil {
		out = []fieldError{{"", message}}
	}
	return out
}

// deployers are the managers of fields that whoever deploys the repository has. What they own, the change is about to change.
var deployers = pattern(`(?i)^(sluice|argocd.*|kustomize-controller|helm.*|flux.*|kubectl.*|before-first-apply|fleet.*|rancher.*|werf|kapp.*|carvel.*)$`)

var managerName = pattern(`conflict with "([^"]*)"`)

// conflicts makes warnings of fields that somebody else than the deployer owns in the cluster.
func conflicts(s metav1.Status, p piece) finding.List {
	var out finding.List
	if s.Details == nil {
		return finding.List{p.finding(RuleConflict, "", s.Message)}
	}
	for _, cause := range s.Details.Causes {
		name := cause.Message
		if m := managerName().FindStringSubmatch(cause.Message); m != nil {
			name = m[1]
		}
		if cause.Type != metav1.CauseTypeFieldManagerConflict || deployers().MatchString(name) {
			continue
		}
		f := p.finding(RuleConflict, fieldPath(p.value, cause.Field), fmt.Sprintf(
			"%s belongs to %s in the cluster: whoever deploys this takes it over, or the two fight about it", strings.TrimPrefix(cause.Field, "."), name))
		f.Severity = finding.Warning
		out = append(out, f)
	}
	return out
}

// isTyped reports whether server-side apply could not even read the object: it then names one mistake of several.
func isTyped(err error) bool {
	return err != nil && typedRefusal().MatchString(err.Error())
}

var typedRefusal = pattern(`failed to create typed (patch|live|new) object|field not declared in schema|\.proto: `)

func isConflict(err error) bool { return apierrors.IsConflict(err) }
