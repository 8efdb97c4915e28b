/* Puts a certificate, in DER, among the roots that the machine trusts: `trust FILE`. */
#include <windows.h>

#include <stdio.h>
#include <wincrypt.h>

int main(int argc, char **argv) {
    static unsigned char der[65536];
    HCERTSTORE store;
    FILE *file;
    DWORD size;
    BOOL done;
    if (argc != 2) {
        return 2;
    }
    file = fopen(argv[1], "rb");
    if (file == NULL) {
        printf("%s cannot be read\n", argv[1]);
        return 1;
    }
    size = (DWORD)fread(der, 1, sizeof der, file);
    fclose(file);
    store = CertOpenStore(CERT_STORE_PROV_SYSTEM_A, 0, 0, CERT_SYSTEM_STORE_LOCAL_MACHINE, "Root");
    if (store == NULL) {
        printf("the store was not opened: error %lu\n", GetLastError());
        return 1;
    }
    done = CertAddEncodedCertificateToStore(store, X509_ASN_ENCODING, der, size, CERT_STORE_ADD_NEW, NULL);
    if (!done) {
        printf("the certificate was not added: error %lu\n", GetLastError());
    }
    return CertCloseStore(store, 0) && done ? 0 : 1;
}
