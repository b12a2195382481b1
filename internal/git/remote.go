package git

import "context"

// RemoteURL gives the address of a remote as the configuration has it; "" where there is no such remote.
func (r *Repo) RemoteURL(ctx context.Context, name string) string {
	url, err := r.git(ctx, "config", "--get", "remote."+name+".url")
	if err != nil {
		return ""
	}
	return url
}
