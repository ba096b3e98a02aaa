// Judges CustomResourceDefinitions by the rules of the oldest Kubernetes that we promise, as its API server does when
// they are created: the same package. Prints what it refuses; exit 1 if there is anything.
package main

import (
	"context"
	"fmt"
	"os"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/install"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
)

func main() {
	scheme := runtime.NewScheme()
	install.Install(scheme)
	decoder := serializer.NewCodecFactory(scheme).UniversalDecoder(apiextensions.SchemeGroupVersion)
	refused := false
	for _, file := range os.Args[1:] {
		text, err := os.ReadFile(file)
		if err == nil {
			var found runtime.Object
			if found, _, err = decoder.Decode(text, nil, nil); err == nil {
				definition := found.(*apiextensions.CustomResourceDefinition)
				err = validation.ValidateCustomResourceDefinition(context.Background(), definition).ToAggregate()
			}
		}
		if err != nil {
			refused = true
			fmt.Printf("%s: %v\n", file, err)
		}
	}
	if refused {
		os.Exit(1)
	}
}
