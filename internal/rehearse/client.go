package rehearse

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"github.com/sluice-dev/sluice/internal/manifest"
)

// fieldManager is who owns what a rehearsal applies.
const fieldManager = "sluice"

// answerTimeout is how long the API server may take for one object. It is less than the 34 s after which the API server itself
// gives up, so that the finding names the object.
const answerTimeout = 20 * time.Second

// client speaks to one API server. It is safe for concurrent use.
type client struct {
	objects dynamic.Interface
	http    *http.Client
	host    string
	version string        // of the server: "v1.37.0"
	dryRun  bool          // nothing may be written
	patient time.Duration // for one object

	mu     sync.Mutex
	kinds  map[schema.GroupVersion]map[string]resource // what is served, as far as it was asked for
	native []string                                    // the groups that the server had before anything was applied
}

// resource is how the API server serves a kind.
type resource struct {
	schema.GroupVersionResource
	namespaced bool
}

// newClient connects to an API server. With dryRun, whatever would write is refused before it leaves.
func newClient(ctx context.Context, config *rest.Config, dryRun bool) (*client, error) {
	config = rest.CopyConfig(config)
	config.QPS = -1 // the API server has its own limits
	config.WarningHandlerWithContext = warnings{}
	config.UserAgent = fieldManager
	if dryRun {
		config.Wrap(func(next http.RoundTripper) http.RoundTripper { return readOnly{next} })
	}
	httpClient, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, err
	}
	objects, err := dynamic.NewForConfigAndClient(config, httpClient)
	if err != nil {
		return nil, err
	}
	base, _, err := rest.DefaultServerUrlFor(config)
	if err != nil {
		return nil, err
	}
	c := &client{
		objects: objects, http: httpClient, host: strings.TrimSuffix(base.String(), "/"), dryRun: dryRun, patient: answerTimeout,
		kinds: make(map[schema.GroupVersion]map[string]resource),
	}
	var version struct{ GitVersion string }
	if err := c.get(ctx, "/version", &version); err != nil {
		return nil, err
	}
	c.version = version.GitVersion
	var groups metav1.APIGroupList
	if err := c.get(ctx, "/apis", &groups); err != nil {
		return nil, err
	}
	for _, group := range groups.Groups {
		c.native = append(c.native, group.Name)
	}
	return c, nil
}

// readOnly lets nothing pass that the API server would store.
type readOnly struct{ next http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (r readOnly) RoundTrip(request *http.Request) (*http.Response, error) {
	switch request.Method {
	case http.MethodGet, http.MethodHead:
	default:
		if dry := request.URL.Query()["dryRun"]; !slices.Equal(dry, []string{metav1.DryRunAll}) {
			return nil, fmt.Errorf("refused to send %s %s: it is no dry-run", request.Method, request.URL.Path)
		}
	}
	return r.next.RoundTrip(request)
}

// maxAnswer bounds what is read of an answer that is no object.
const maxAnswer = 32 << 20

// get reads a path of the API server that is no object.
func (c *client) get(ctx context.Context, path string, into any) error {
	ctx, cancel := context.WithTimeout(ctx, c.patient)
	defer cancel()
	return c.do(ctx, http.MethodGet, path, into)
}

// do makes a request without a body. What the API server refuses is an error as of the Kubernetes libraries.
func (c *client) do(ctx context.Context, method, path string, into any) error {
	request, err := http.NewRequestWithContext(ctx, method, c.host+path, nil)
	if err != nil {
		return err
	}
	request.Header.Set("Accept", "application/json")
	response, err := c.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer := json.NewDecoder(http.MaxBytesReader(nil, response.Body, maxAnswer))
	if response.StatusCode < http.StatusMultipleChoices {
		return answer.Decode(into)
	}
	var status metav1.Status
	if err := answer.Decode(&status); err != nil || status.Status != metav1.StatusFailure {
		status = metav1.Status{
			Code: int32(response.StatusCode), Reason: reasonOf(response.StatusCode), Message: fmt.Sprintf("%s %s: %s", method, path, response.Status),
		}
	}
	return &apierrors.StatusError{ErrStatus: status}
}

func reasonOf(code int) metav1.StatusReason {
	switch code {
	case http.StatusNotFound:
		return metav1.StatusReasonNotFound
	case http.StatusUnauthorized:
		return metav1.StatusReasonUnauthorized
	case http.StatusForbidden:
		return metav1.StatusReasonForbidden
	default:
		return metav1.StatusReasonUnknown
	}
}

// resource gives how a kind is served; ok is false where it is not.
func (c *client) resource(ctx context.Context, group, version, kind string) (r resource, ok bool, err error) {
	gv := schema.GroupVersion{Group: group, Version: version}
	c.mu.Lock()
	defer c.mu.Unlock()
	known, asked := c.kinds[gv]
	if !asked {
		if known, err = c.discover(ctx, gv); err != nil {
			return r, false, err
		}
		c.kinds[gv] = known
	}
	r, ok = known[kind]
	return r, ok, nil
}

func (c *client) discover(ctx context.Context, gv schema.GroupVersion) (map[string]resource, error) {
	path := "/apis/" + gv.String()
	if gv.Group == "" {
		path = "/api/" + gv.Version
	}
	known := make(map[string]resource)
	var list metav1.APIResourceList
	switch err := c.get(ctx, path, &list); {
	case apierrors.IsNotFound(err):
		return known, nil
	case err != nil:
		return nil, err
	}
	for _, r := range list.APIResources {
		if !strings.Contains(r.Name, "/") {
			known[r.Kind] = resource{gv.WithResource(r.Name), r.Namespaced}
		}
	}
	return known, nil
}

// forget makes the client ask anew what is served.
func (c *client) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	clear(c.kinds)
}

// isNative reports whether a group is the API server's own, not one of a definition that the rehearsal applied.
func (c *client) isNative(group string) bool { return group == "" || slices.Contains(c.native, group) }

// at gives the door to objects of a resource.
func (c *client) at(r resource, namespace string) dynamic.ResourceInterface {
	if !r.namespaced {
		return c.objects.Resource(r.GroupVersionResource)
	}
	if namespace == "" {
		namespace = metav1.NamespaceDefault
	}
	return c.objects.Resource(r.GroupVersionResource).Namespace(namespace)
}

// errSlow says that the API server did not answer in time.
var errSlow = errors.New("the API server did not answer")

// patience bounds how long the API server may take for one object, and tells the end of that time from the end of ctx.
func (c *client) patience(ctx context.Context, call func(context.Context) error) error {
	limited, cancel := context.WithTimeoutCause(ctx, c.patient, errSlow)
	defer cancel()
	err := call(limited)
	if err != nil && context.Cause(limited) == errSlow {
		return fmt.Errorf("%w within %s", errSlow, c.patient)
	}
	return err
}

// apply applies an object on the server's side. Fields that others own are taken from them where force says so.
func (c *client) apply(ctx context.Context, r resource, id manifest.ID, body []byte, force, dryRun bool) error {
	options := metav1.PatchOptions{FieldManager: fieldManager, Force: &force, FieldValidation: metav1.FieldValidationStrict}
	if dryRun || c.dryRun {
		options.DryRun = []string{metav1.DryRunAll}
	}
	return c.patience(ctx, func(ctx context.Context) error {
		_, err := c.at(r, id.Namespace).Patch(ctx, id.Name, types.ApplyPatchType, body, options)
		return err
	})
}

// create stores an object without strictness: what the API server does not know is dropped.
func (c *client) create(ctx context.Context, r resource, id manifest.ID, value map[string]any) error {
	return c.post(ctx, r, id, value, metav1.CreateOptions{FieldManager: fieldManager, FieldValidation: metav1.FieldValidationIgnore})
}

// examine reads an object strictly, as a new one, without effect: the API server names every field that it does not know.
func (c *client) examine(ctx context.Context, r resource, id manifest.ID, value map[string]any) error {
	return c.post(ctx, r, id, value, metav1.CreateOptions{
		FieldManager: fieldManager, FieldValidation: metav1.FieldValidationStrict, DryRun: []string{metav1.DryRunAll},
	})
}

func (c *client) post(ctx context.Context, r resource, id manifest.ID, value map[string]any, options metav1.CreateOptions) error {
	return c.patience(ctx, func(ctx context.Context) error {
		_, err := c.at(r, id.Namespace).Create(ctx, &unstructured.Unstructured{Object: value}, options)
		return err
	})
}

// patchStatus merges into the status of an object, as a controller would.
func (c *client) patchStatus(ctx context.Context, r resource, id manifest.ID, status map[string]any) error {
	body, err := json.Marshal(map[string]any{"status": status})
	if err != nil {
		return err
	}
	return c.patience(ctx, func(ctx context.Context) error {
		_, err := c.at(r, id.Namespace).Patch(ctx, id.Name, types.MergePatchType, body, metav1.PatchOptions{FieldManager: fieldManager}, "status")
		return err
	})
}

// read gives an object.
func (c *client) read(ctx context.Context, r resource, id manifest.ID) (object *unstructured.Unstructured, err error) {
	err = c.patience(ctx, func(ctx context.Context) (err error) {
		object, err = c.at(r, id.Namespace).Get(ctx, id.Name, metav1.GetOptions{})
		return err
	})
	return object, err
}

// tryRemove asks what the deletion of an object would come to, without effect. All that it says stands in the address, where
// [readOnly] looks for it.
func (c *client) tryRemove(ctx context.Context, r resource, id manifest.ID) error {
	at := "/apis/" + r.GroupVersion().String()
	if r.Group == "" {
		at = "/api/" + r.Version
	}
	if r.namespaced {
		at += "/namespaces/" + url.PathEscape(cmp.Or(id.Namespace, metav1.NamespaceDefault))
	}
	at += "/" + r.Resource + "/" + url.PathEscape(id.Name)
	query := url.Values{"dryRun": {metav1.DryRunAll}, "propagationPolicy": {string(metav1.DeletePropagationBackground)}}
	return c.patience(ctx, func(ctx context.Context) error {
		var answer json.RawMessage // the object as it was, or what became of the deletion
		return c.do(ctx, http.MethodDelete, at+"?"+query.Encode(), &answer)
	})
}

// remove deletes an object, as a deployer that prunes does.
func (c *client) remove(ctx context.Context, r resource, id manifest.ID) error {
	background := metav1.DeletePropagationBackground
	return c.patience(ctx, func(ctx context.Context) error {
		return c.at(r, id.Namespace).Delete(ctx, id.Name, metav1.DeleteOptions{PropagationPolicy: &background})
	})
}
