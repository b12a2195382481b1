package report

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/sluice-dev/sluice/internal/finding"
)

// maxSARIFResults is how many results of a run GitHub accepts. Source: docs.github.com, "SARIF support for code
// scanning", limits.
const maxSARIFResults = 25_000

// SARIF writes the findings on head as SARIF 2.1.0, as GitHub code scanning reads it. Existing findings are in it,
// since code scanning takes what is missing as fixed. A finding keeps its fingerprint when its line moves. One without
// a file is shown at the file that its target begins with.
func SARIF(w io.Writer, r *Report, toolVersion string) error {
	run := sarifRun{Results: []sarifResult{}, ColumnKind: "unicodeCodePoints"}
	run.Tool.Driver = sarifDriver{Name: "sluice", Version: toolVersion, InformationURI: "https://github.com/sluice-dev/sluice", Rules: []sarifRule{}}
	run.Invocations = []sarifInvocation{{ExecutionSuccessful: r.Verdict == Pass || r.Verdict == Fail, Notifications: []sarifNotification{}}}
	notify := func(text string) {
		run.Invocations[0].Notifications = append(run.Invocations[0].Notifications, sarifNotification{Level: "error", Message: sarifText{text}})
	}
	if r.Verdict == Incomplete {
		notify(r.Headline())
	}
	targets := make(map[string]Target, len(r.Targets))
	for _, t := range r.Targets {
		targets[t.ID] = t
	}
	// Not as results: code scanning opens alerts for suppressed ones too.
	for _, f := range r.Waived {
		run.Invocations[0].Notifications = append(run.Invocations[0].Notifications, sarifNotification{Level: "note", Message: sarifText{r.waivedSentence(f)}})
	}
	rules := make(map[string]int)
	prints := make(map[string]int)
	for _, f := range r.Findings {
		if !f.Has(finding.New) && !f.Has(finding.Existing) {
			continue
		}
		if len(run.Results) == maxSARIFResults {
			notify(fmt.Sprintf("Only the first %d findings are in this file.", maxSARIFResults))
			break
		}
		index, ok := rules[f.Rule]
		if !ok {
			index = len(run.Tool.Driver.Rules)
			rules[f.Rule] = index
			run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{ID: f.Rule})
		}
		print := fingerprint(f)
		prints[print]++
		run.Results = append(run.Results, sarifResult{
			RuleID: f.Rule, RuleIndex: index, Level: sarifLevel[f.Severity], Message: sarifText{sarifMessage(r, f)},
			Locations: []sarifLocation{locate(f, targets)}, BaselineState: baselineState(f),
			PartialFingerprints: map[string]string{"primaryLocationLineHash": fmt.Sprintf("%s:%d", print, prints[print])},
		})
	}
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	return out.Encode(sarifLog{
		Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0", Runs: []sarifRun{run},
	})
}

var sarifLevel = map[finding.Severity]string{finding.Error: "error", finding.Warning: "warning", finding.Notice: "note"}

func baselineState(f finding.Finding) string {
	if f.Has(finding.New) {
		return "new"
	}
	return "unchanged"
}

// fingerprint identifies a finding by what it is about, so that it stays the same when its line moves.
func fingerprint(f finding.Finding) string {
	about := []string{f.Rule, f.Object, f.Path}
	if f.Object == "" && f.Path == "" {
		about = append(about, f.File, f.Message)
	}
	return fmt.Sprintf("%x", sha256.Sum256([]byte(strings.Join(about, "\x00"))))[:16]
}

// sarifMessage is the message and what it is about. Code scanning reads "[text](target)" as links, which a backslash
// prevents.
func sarifMessage(r *Report, f finding.Finding) string {
	message := visible(f.Message, "\n\t")
	if f.Object != "" {
		message += "\n" + visible(strings.TrimSpace(f.Object+" "+f.Path), "")
	}
	if ids := onHead(f); len(ids) > 0 {
		message += "\nin " + r.where(ids)
	}
	return strings.NewReplacer(`\`, `\\`, "[", `\[`, "]", `\]`).Replace(message)
}

func locate(f finding.Finding, targets map[string]Target) sarifLocation {
	file := f.File
	for _, t := range f.Targets {
		if file != "" {
			break
		}
		if target, ok := targets[t.ID]; ok {
			file = strings.TrimPrefix(target.Dir+"/kustomization.yaml", "./")
		}
	}
	if file == "" {
		file = ".sluice.yaml"
	}
	at := sarifLocation{PhysicalLocation: sarifPhysicalLocation{ArtifactLocation: sarifArtifact{URI: pathURL(file), URIBaseID: "%SRCROOT%"}}}
	at.PhysicalLocation.Region = sarifRegion{StartLine: max(f.Line, 1), StartColumn: f.Column}
	return at
}

// The part of SARIF that is used here. Source: OASIS, "Static Analysis Results Interchange Format (SARIF) Version
// 2.1.0".
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool struct {
			Driver sarifDriver `json:"driver"`
		} `json:"tool"`
		Invocations []sarifInvocation `json:"invocations"`
		ColumnKind  string            `json:"columnKind"`
		Results     []sarifResult     `json:"results"`
	}
	sarifDriver struct {
		Name           string      `json:"name"`
		Version        string      `json:"version,omitempty"`
		InformationURI string      `json:"informationUri"`
		Rules          []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID string `json:"id"`
	}
	sarifInvocation struct {
		ExecutionSuccessful bool                `json:"executionSuccessful"`
		Notifications       []sarifNotification `json:"toolExecutionNotifications"`
	}
	sarifNotification struct {
		Level   string    `json:"level"`
		Message sarifText `json:"message"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifResult struct {
		RuleID              string            `json:"ruleId"`
		RuleIndex           int               `json:"ruleIndex"`
		Level               string            `json:"level"`
		Message             sarifText         `json:"message"`
		Locations           []sarifLocation   `json:"locations"`
		PartialFingerprints map[string]string `json:"partialFingerprints"`
		BaselineState       string            `json:"baselineState"`
	}
	sarifLocation struct {
		PhysicalLocation sarifPhysicalLocation `json:"physicalLocation"`
	}
	sarifPhysicalLocation struct {
		ArtifactLocation sarifArtifact `json:"artifactLocation"`
		Region           sarifRegion   `json:"region"`
	}
	sarifArtifact struct {
		URI       string `json:"uri"`
		URIBaseID string `json:"uriBaseId"`
	}
	sarifRegion struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn,omitempty"`
	}
)
