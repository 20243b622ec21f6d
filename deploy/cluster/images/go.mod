module tradewire/deploy/cluster/images

go 1.25.0

require github.com/coredns/coredns v1.14.1

// The versions that Kubernetes' own programs are built with: its packages are compiled once.
require (
	k8s.io/api v0.34.4
	k8s.io/apimachinery v0.34.4
	k8s.io/client-go v0.34.4
)
