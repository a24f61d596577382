package cluster

import (
	"context"
	"fmt"
	"os"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
)

// What the simulated volumes are known by; the class itself is in platform.yaml. A node executes nothing, so a volume
// holds nothing: it is there so that a chart that claims one gets its pods scheduled.
const (
	volumeDriver = "simulated.ringfence.dev"
	volumeClass  = "simulated"
	volumeResync = 30 * time.Second
)

// simulateVolumes makes a volume for each claim of the class, and removes it when its claim is gone. The controller
// manager binds them, as it does for every provisioner. kwok's own stages for volumes were rejected: they write the
// binding themselves and so race with it.
func simulateVolumes(ctx context.Context, kubeconfig string) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return err
	}
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	factory := informers.NewSharedInformerFactory(client, volumeResync)
	report := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, "volumes:", err) // tried again at the next resync
		}
	}
	claims := factory.Core().V1().PersistentVolumeClaims().Informer()
	if _, err := claims.AddEventHandler(onEach(func(object any) {
		if claim, ok := object.(*corev1.PersistentVolumeClaim); ok {
			report(provision(ctx, client, claim))
		}
	})); err != nil {
		return err
	}
	volumes := factory.Core().V1().PersistentVolumes().Informer()
	if _, err := volumes.AddEventHandler(onEach(func(object any) {
		if volume, ok := object.(*corev1.PersistentVolume); ok {
			report(reclaim(ctx, client, volume))
		}
	})); err != nil {
		return err
	}
	factory.Start(ctx.Done())
	return nil
}

func onEach(handle func(any)) cache.ResourceEventHandler {
	return cache.ResourceEventHandlerFuncs{AddFunc: handle, UpdateFunc: func(_, object any) { handle(object) }}
}

func provision(ctx context.Context, client kubernetes.Interface, claim *corev1.PersistentVolumeClaim) error {
	ours := claim.Spec.StorageClassName != nil && *claim.Spec.StorageClassName == volumeClass
	if !ours || claim.Spec.VolumeName != "" || claim.DeletionTimestamp != nil {
		return nil
	}
	name := "pvc-" + string(claim.UID)
	volume := &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: map[string]string{"pv.kubernetes.io/provisioned-by": volumeDriver}},
		Spec: corev1.PersistentVolumeSpec{
			AccessModes:                   claim.Spec.AccessModes,
			Capacity:                      claim.Spec.Resources.Requests,
			PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimDelete,
			StorageClassName:              volumeClass,
			VolumeMode:                    claim.Spec.VolumeMode,
			ClaimRef: &corev1.ObjectReference{
				APIVersion: "v1", Kind: "PersistentVolumeClaim", Namespace: claim.Namespace, Name: claim.Name, UID: claim.UID,
			},
			PersistentVolumeSource: corev1.PersistentVolumeSource{
				CSI: &corev1.CSIPersistentVolumeSource{Driver: volumeDriver, VolumeHandle: name},
			},
		},
	}
	_, err := client.CoreV1().PersistentVolumes().Create(ctx, volume, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

func reclaim(ctx context.Context, client kubernetes.Interface, volume *corev1.PersistentVolume) error {
	if volume.Spec.StorageClassName != volumeClass || volume.Status.Phase != corev1.VolumeReleased || volume.DeletionTimestamp != nil {
		return nil
	}
	err := client.CoreV1().PersistentVolumes().Delete(ctx, volume.Name, metav1.DeleteOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
